import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isRunning, TestProject } from '../support/test-project.ts'
import { notLinux, unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** After this a second signal forces the stop. */
const AFTER_THE_FIRST_SECOND_MS = 1100

/** The processes of a dead run are found in /proc. */
const onLinux = unless(notLinux)

const sleepUntilGo = 'echo $$ > shell.pid; until [ -e go ]; do sleep 0.02; done'

function addFlaky(
  project: TestProject,
  script: string,
  columns: { environment?: string; afterId?: number } = {},
): number {
  const insert = project.database.prepare('insert into flakies (script, environment, after_id) values (?, ?, ?)')
  return Number(insert.run(script, columns.environment ?? null, columns.afterId ?? null).lastInsertRowid)
}

function task(project: TestProject, id = 1): Record<string, unknown> {
  return project.rows('select status, attempt, error from flakies where id = ?', id)[0]!
}

const runs = (project: TestProject) => project.rows('select attempt, outcome from ops_runs order by id')

describe('a retryable task that throws', () => {
  it('is retried after a delay until it succeeds', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'echo x >> tries; [ "$(wc -l < tries)" -eq 3 ]')
    const worker = project.start('worker')
    await worker.event('succeeded', 'flaky 1')
    expect(task(project)).toEqual({ status: 'succeeded', attempt: 3, error: null })
    expect(runs(project).map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'succeeded'])
    const waits = project.rows<{ wait: number }>(
      'select b.started_at - a.ended_at as wait from ops_runs a join ops_runs b on b.attempt = a.attempt + 1',
    )
    for (const { wait } of waits) expect(wait).toBeGreaterThanOrEqual(74)
    const events = project.rows('select event from ops_audit order by id').map(({ event }) => event)
    expect(events).toEqual(['enqueued', 'started', 'returned', 'started', 'returned', 'started', 'succeeded'])
    expect(worker.output).toMatch(/flaky 1 failed after [\d.]+ m?s: .*; retrying in \d+ ms/)
  })

  it('fails when no attempt is left, and gets one more when a person retries it', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'exit 3')
    const worker = project.start('worker')
    await until(() => task(project).status === 'failed', 'the attempts are used up')
    expect(task(project)).toMatchObject({ attempt: 3, error: expect.stringContaining('exit code 3') })
    project.database.exec(`update flakies set status = 'pending' where id = 1`)
    await until(() => runs(project).length === 4 && task(project).status === 'failed', 'it has failed once more')
    expect(runs(project).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })

  it('leaves its worker free for other tasks meanwhile', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'exit 3', { environment: 'a' })
    addFlaky(project, 'true', { environment: 'a' })
    await project.ops('worker', '--once')
    await project.ops('worker', '--once')
    expect(task(project, 1)).toMatchObject({ status: 'pending', attempt: 1 })
    expect(task(project, 2)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a retryable task that a shutdown interrupts', () => {
  it('is pending again, and the attempt does not count', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, sleepUntilGo)
    const worker = project.start('worker')
    const pid = await project.pid('shell.pid')
    worker.kill('SIGTERM')
    await worker.event('stopping')
    await delay(AFTER_THE_FIRST_SECOND_MS)
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(isRunning(pid)).toBe(false)
    expect(task(project)).toEqual({ status: 'pending', attempt: 0, error: 'interrupted by shutdown' })
    project.write('go', '')
    await project.ops('worker', '--drain')
    expect(task(project)).toEqual({ status: 'succeeded', attempt: 1, error: null })
    expect(runs(project)).toEqual([
      { attempt: 1, outcome: 'interrupted' },
      { attempt: 1, outcome: 'succeeded' },
    ])
  })
})

describe('a task whose worker dies', () => {
  const killWorker = async (project: TestProject, attempt = 1) => {
    const worker = project.start('worker')
    const isUnderWay = () => project.value('select ended_at is null from ops_runs where attempt = ?', attempt) === 1
    await until(isUnderWay, 'it is under way')
    worker.kill('SIGKILL')
    await worker.exit
  }

  it('is retried where that is safe', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'until [ -e go ]; do sleep 0.02; done')
    await killWorker(project)
    project.write('go', '')
    const { stdout } = await project.ops('worker', '--drain')
    expect(stdout).toMatch(/recovered flaky 1: worker \S+ died; pending again/)
    expect(task(project)).toEqual({ status: 'succeeded', attempt: 2, error: null })
  })

  it('is not retried before its processes are gone', onLinux, async () => {
    const project = await TestProject.withProbe()
    // The second run looks for processes of the first: a zombie has no executable.
    const second = '[ -e /proc/$(cat pid)/exe ] && touch overlap; exit 0'
    const first = `trap "" TERM; echo $$ > pid; while :; do sleep 0.05; done`
    addFlaky(project, `if [ -e pid ]; then ${second}; fi; ${first}`, { environment: 'production' })
    const worker = project.start('worker')
    const pid = await project.pid('pid')
    worker.kill('SIGKILL')
    await worker.exit
    expect(isRunning(pid)).toBe(true)
    await project.ops('worker', '--drain')
    expect(task(project)).toEqual({ status: 'succeeded', attempt: 2, error: null })
    expect(existsSync(project.path('overlap'))).toBe(false)
  })

  it('is not started by another worker before its processes are gone', onLinux, async () => {
    const project = await TestProject.withProbe()
    const stubborn = `trap "" TERM; while :; do date +%s%3N >> alive; sleep 0.02; done`
    addFlaky(project, `if [ -e alive ]; then exit 0; fi; ${stubborn}`, { environment: 'production' })
    const victim = project.start('worker')
    await until(() => project.read('alive') !== '', 'it is under way')
    // One waits for the key, another recovers.
    await project.start('worker').event('polling')
    victim.kill('SIGKILL')
    await victim.exit
    project.start('worker')
    await until(() => task(project).status === 'succeeded', 'it has run again')
    const startedAt = project.value<number>('select max(started_at) from ops_runs')
    const lastAliveAt = Number(project.read('alive').trim().split('\n').at(-1))
    expect(startedAt).toBeGreaterThanOrEqual(lastAliveAt)
  })

  it('is quarantined after three crashes', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'until [ -e go ]; do sleep 0.02; done')
    for (let crash = 1; crash <= 3; crash += 1) await killWorker(project, crash)
    await project.ops('worker', '--drain')
    expect(task(project)).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^quarantined: crashed/),
    })
    expect(runs(project).map(({ outcome }) => outcome)).toEqual(['crashed', 'crashed', 'quarantined'])
  })
})

describe('a task that waits for another', () => {
  it('runs after it, along a chain', async () => {
    const project = await TestProject.withProbe()
    const first = addFlaky(project, 'echo 1 >> order')
    const second = addFlaky(project, 'echo 2 >> order', { afterId: first })
    // Still the first in the queue.
    project.database.prepare('update flakies set run_at = 0 where id = ?').run(second)
    addFlaky(project, 'echo 3 >> order', { afterId: second })
    await project.ops('worker', '--drain')
    expect(project.read('order')).toBe('1\n2\n3\n')
  })

  it('fails with its name when it fails, and so do tasks waiting for that', async () => {
    const project = await TestProject.withProbe()
    const first = addFlaky(project, 'exit 3')
    project.database.exec('update flakies set attempt = 2')
    const second = addFlaky(project, 'touch never', { afterId: first })
    addFlaky(project, 'touch never', { afterId: second })
    await project.ops('worker', '--drain')
    expect(task(project, 2)).toMatchObject({ status: 'failed', error: 'flaky 1 failed', attempt: 1 })
    expect(task(project, 3)).toMatchObject({ status: 'failed', error: 'flaky 2 failed' })
    expect(project.read('never')).toBe('')
  })

  it('fails when there is no such task', async () => {
    const project = await TestProject.withProbe()
    project.database.pragma('foreign_keys = off')
    addFlaky(project, 'touch never', { afterId: 99 })
    await project.ops('worker', '--drain')
    expect(task(project)).toMatchObject({ status: 'failed', error: 'flaky 99 does not exist' })
    expect(project.read('never')).toBe('')
  })

  it('fails when it was canceled', async () => {
    const project = await TestProject.withProbe()
    addFlaky(project, 'true')
    addFlaky(project, 'touch never', { afterId: 1 })
    project.database.exec(`update flakies set status = 'canceled' where id = 1`)
    await project.ops('worker', '--drain')
    expect(task(project, 2)).toMatchObject({ status: 'failed', error: 'flaky 1 was canceled' })
  })
})
