import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

describe('a worker with nothing to do', () => {
  it('claims a row that another program inserts within a second, although it polls once a minute', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    // Several, so that it waits again in between, and one slow moment of the machine does not matter.
    for (const id of [1, 2, 3, 4, 5]) {
      project.database.exec(`insert into ordinaries (note) values ('from elsewhere')`)
      const ended = () => project.value('select status from ordinaries where id = ?', id) === 'succeeded'
      await until(ended, `${id} has succeeded`)
    }
    const waits = project.rows<{ waited: number }>(
      'select started_at - created_at as waited from ordinaries order by 1',
    )
    expect(waits[2]!.waited).toBeLessThan(1000)
  })

  it('claims a task that ops enqueue adds within a second', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    await project.ops('enqueue', 'urgent', '--note', 'x')
    await worker.event('succeeded', 'urgent 1')
    expect(project.value('select started_at - created_at from urgencies')).toBeLessThan(1000)
  })

  it('claims a scheduled task when it is due, and not before', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    project.database.prepare('insert into urgencies (run_at) values (?)').run(Date.now() + 700)
    await worker.event('succeeded', 'urgent 1')
    const late = project.value<number>('select started_at - run_at from urgencies')
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(1000)
  })
})
