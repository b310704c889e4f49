import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { postgres } from '../support/postgres-fixture.ts'
import type { RunningOps } from '../support/running-ops.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { databaseAt, sqlite } from '../support/test-database.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** Runs until the file `go` exists. */
const untilGo =
  'echo $$ > shell.pid; sleep 60 & echo $! > child.pid; until [ -e go ]; do sleep 0.02; done; kill $!; echo done'

/** After this a second signal forces the stop. */
const AFTER_THE_FIRST_SECOND_MS = 1100

async function working(...flags: string[]): Promise<{ project: TestProject; worker: RunningOps; pids: number[] }> {
  const project = await TestProject.withProbe()
  project.addScript(untilGo)
  const worker = project.start('worker', '--poll-interval', '60s', ...flags)
  return { project, worker, pids: [await project.pid('shell.pid'), await project.pid('child.pid')] }
}

function task(project: TestProject, id = 1): unknown {
  return project.rows('select status, error from scripts where id = ?', id)[0]
}

describe('a worker that is told to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes its task after %s, takes no other and exits with 0',
    async (signal) => {
      const { project, worker } = await working()
      project.addScript('echo never')
      worker.kill(signal)
      await worker.event('stopping')
      project.write('go', '')
      expect(await worker.exit).toBe(0)
      expect(task(project)).toEqual({ status: 'succeeded', error: null })
      expect(task(project, 2)).toEqual({ status: 'pending', error: null })
      expect(project.value('select state from ops_workers')).toBe('stopped')
    },
  )

  it('exits with 0 at once when it has nothing to do', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--poll-interval', '60s')
    await worker.event('polling')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })

  it('treats a second signal within the first second as the same request', async () => {
    const { project, worker } = await working()
    worker.kill('SIGTERM')
    worker.kill('SIGINT')
    await worker.event('stopping')
    // A forced stop would have ended the task by then.
    await delay(AFTER_THE_FIRST_SECOND_MS)
    expect(worker.events().filter(({ event }) => event === 'stopping')).toHaveLength(1)
    project.write('go', '')
    expect(await worker.exit).toBe(0)
    expect(task(project)).toEqual({ status: 'succeeded', error: null })
  })

  it('interrupts its task and its programs at a second signal after the first second, and exits with 0', async () => {
    const { project, worker, pids } = await working()
    worker.kill('SIGTERM')
    await worker.event('stopping')
    await delay(AFTER_THE_FIRST_SECOND_MS)
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(task(project)).toEqual({ status: 'failed', error: 'interrupted by shutdown' })
    expect(project.value('select outcome from ops_runs')).toBe('interrupted')
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('interrupts its task after the grace period', async () => {
    const { project, worker, pids } = await working('--grace', '300ms')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(task(project)).toEqual({ status: 'failed', error: 'interrupted by shutdown' })
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('takes the grace period from the configuration', async () => {
    const project = await TestProject.withProbe({ worker: { gracePeriod: '200ms', pollInterval: '60s' } })
    project.addScript(untilGo)
    const worker = project.start('worker')
    await project.pid('child.pid')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(task(project)).toEqual({ status: 'failed', error: 'interrupted by shutdown' })
  })

  it('exits with 0 although its task does not end', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into outcomes (how) values ('hangs')`)
    const worker = project.start('worker', '--grace', '1ms')
    await worker.event('started')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(worker.output).toContain('is still running although its signal has aborted')
    expect(project.rows('select status, error from outcomes')).toEqual([
      { status: 'failed', error: 'interrupted by shutdown' },
    ])
  })

  it('stops between two tasks while it drains short ones', async () => {
    const project = await TestProject.withProbe()
    const insert = project.database.prepare('insert into ordinaries default values')
    project.database.transaction(() => Array.from({ length: 20_000 }, () => insert.run()))()
    const worker = project.start('worker')
    await until(
      () => project.value<number>(`select count(*) from ordinaries where status = 'succeeded'`) > 0,
      'it works',
    )
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(project.rows('select distinct status from ordinaries order by status')).toEqual([
      { status: 'pending' },
      { status: 'succeeded' },
    ])
    expect(project.value('select count(*) from ops_runs where ended_at is null')).toBe(0)
  })
})

for (const database of [sqlite, postgres]) {
  describe(`a worker that is told to stop on ${database.name}`, unless(database.missing), () => {
    it('stops within its grace while another program locks what it must write, and its run is recovered', async () => {
      const url = await database.urlIn(temporaryFolder())
      const { sql, close } = databaseAt(url)
      onTestFinished(close)
      const project = await TestProject.withProbe({ database: url })
      await sql(`insert into scripts (script) values ('touch started; until [ -e go ]; do sleep 0.02; done')`)
      const worker = project.start('worker', '--grace', '1s')
      await until(() => existsSync(project.path('started')), 'the task has started')
      await sql(database.name === 'SQLite' ? 'begin immediate' : 'begin')
      if (database.name === 'PostgreSQL') await sql('lock table scripts in exclusive mode')
      project.write('go', '')
      await delay(500)
      const from = performance.now()
      worker.kill('SIGTERM')
      expect(await worker.exit).toBe(0)
      // The lock stays for ever.
      expect(performance.now() - from).toBeLessThan(60_000)
      expect(worker.output).toContain('the next worker recovers it')
      await sql('rollback')
      expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
      // A server may still do what it was asked to.
      expect(['succeeded', 'failed']).toContain((await sql('select status from scripts'))[0]!.status)
      expect(await sql('select id from ops_runs where ended_at is null')).toEqual([])
    })
  })
}
