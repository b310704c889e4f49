import { describe, expect, it } from 'vitest'
import { connect, postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** It takes milliseconds; without the wake-up it would take up to a minute. */
const FAR_BELOW_THE_POLL_MS = 20_000

describe('a worker with nothing to do', () => {
  it('claims a row that another program inserts at once, although it polls once a minute', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    // Several, so that it waits again in between.
    for (const id of [1, 2, 3]) {
      project.database.exec(`insert into ordinaries (note) values ('from elsewhere')`)
      const ended = () => project.value('select status from ordinaries where id = ?', id) === 'succeeded'
      await until(ended, `${id} has succeeded`)
    }
    expect(project.value('select max(started_at - created_at) from ordinaries')).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })

  it('claims a task that ops enqueue adds at once', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    await project.ops('enqueue', 'urgent', '--note', 'x')
    await worker.event('succeeded', 'urgent 1')
    expect(project.value('select started_at - created_at from urgencies')).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })

  it('claims a scheduled task when it is due, and not before', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    project.database.prepare('insert into urgencies (run_at) values (?)').run(Date.now() + 700)
    await worker.event('succeeded', 'urgent 1')
    const late = project.value<number>('select started_at - run_at from urgencies')
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })
})

describe('a worker that waits on PostgreSQL', unless(postgresMissing), () => {
  it('goes on when its connection is lost', async () => {
    const url = await postgresUrl()
    const project = await TestProject.withProbe({ database: url })
    const worker = project.start('worker', '--poll-interval', '60s')
    const raw = await connect(url)
    await worker.event('polling')
    // Not between two statements, where it would only connect again.
    const cut = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ops'
      and datname = current_database() and state = 'idle' and state_change < now() - interval '300 milliseconds'`
    await until(async () => (await raw.query(cut)).rows.length === 1, 'its connection is cut while it waits')
    await worker.event('database')
    await raw.query(`insert into urgencies default values`)
    await worker.event('succeeded', 'urgent 1')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })
})
