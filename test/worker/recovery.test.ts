import { spawn } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { processStat } from '../../src/platform/proc.ts'
import { signalGroup } from '../../src/platform/process-group.ts'
import type { RunningOps } from '../support/running-ops.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { notLinux, unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** The processes of a dead run are found in /proc. */
const onLinux = unless(notLinux)

/** Starts a child in its group, and a grandchild in its own session. */
const family =
  "echo $$ > shell.pid; sleep 120 & echo $! > child.pid; setsid sh -c 'echo $$ > far.pid; exec sleep 120' & while :; do echo tick; sleep 0.05; done"
const members = ['shell.pid', 'child.pid', 'far.pid']

/** A worker that is killed during a task, and the processes it leaves. */
async function killedWorker(): Promise<{ project: TestProject; pids: number[]; workerId: string }> {
  const project = await TestProject.withProbe()
  project.addScript(family)
  const worker = project.start('worker')
  const pids = await Promise.all(members.map((name) => project.pid(name)))
  await recorded(project)
  worker.kill('SIGKILL')
  expect(await worker.exit).toBe('SIGKILL')
  expect(pids.filter(isRunning)).toEqual(pids)
  return { project, pids, workerId: project.value<string>('select worker_id from ops_runs') }
}

async function recorded(project: TestProject): Promise<void> {
  await until(() => project.value('select process_groups from ops_runs') !== null, 'the process group is recorded')
}

function leaderOfAGroup(): number {
  const { pid } = spawn('sleep', ['120'], { detached: true, stdio: 'ignore' })
  onTestFinished(() => signalGroup(pid!, 'SIGKILL'))
  return pid!
}

async function stop(worker: RunningOps): Promise<void> {
  worker.kill('SIGTERM')
  expect(await worker.exit).toBe(0)
}

describe('the task of a worker that was killed', () => {
  it('is failed by the next worker, which leaves no process of it and runs the next task', onLinux, async () => {
    const { project, pids, workerId } = await killedWorker()
    project.addScript('echo next')
    const next = project.start('worker')
    const { message } = await next.event('recovered')
    const up = Date.parse(JSON.parse(next.output.split('\n')[0]!).at)
    expect(message).toBe(`recovered script 1: worker ${workerId} died`)
    expect(pids.filter(isRunning)).toEqual([])
    expect(project.rows('select status, error from scripts where id = 1')).toEqual([
      { status: 'failed', error: `worker ${workerId} died` },
    ])
    // It takes a fraction of a second. What a worker overlooks at its start it would find five seconds later.
    expect(project.value<number>('select ended_at from ops_runs where task_id = 1') - up).toBeLessThan(4000)
    await next.event('succeeded', 'script 2')
    await stop(next)
  })

  it('is recorded as recovered', onLinux, async () => {
    const { project, workerId } = await killedWorker()
    await project.ops('worker', '--drain')
    expect(project.rows('select outcome, error from ops_runs')).toEqual([
      { outcome: 'crashed', error: `worker ${workerId} died` },
    ])
    const audit = project.rows('select event, detail from ops_audit where run_id is not null order by id')
    expect(audit.map(({ event }) => event)).toEqual(['started', 'failed', 'recovered'])
    expect(JSON.parse(audit[2]!.detail as string)).toEqual({
      worker: workerId,
      outcome: 'crashed',
      processor: 'script',
    })
    expect(project.value('select state from ops_workers where id = ?', workerId)).toBe('died')
  })

  it('has no process left when the worker died before it recorded one', onLinux, async () => {
    const { project, pids } = await killedWorker()
    project.database.exec('update ops_runs set process_groups = null, boot_id = null')
    await project.ops('worker', '--drain')
    expect(pids.filter(isRunning)).toEqual([])
    expect(project.value('select status from scripts')).toBe('failed')
  })

  it('is recovered by a worker that is already running', onLinux, async () => {
    const project = await TestProject.withProbe()
    project.addScript(family)
    const first = project.start('worker')
    const pids = await Promise.all(members.map((name) => project.pid(name)))
    const second = project.start('worker', '--only', 'script,urgent')
    await second.event('polling')
    first.kill('SIGKILL')
    await second.event('recovered')
    expect(pids.filter(isRunning)).toEqual([])
    await stop(second)
  })
})

describe('a task that was started by SQL', () => {
  it('is left to whoever started it', async () => {
    const project = await TestProject.withProbe()
    project.addScript('touch never')
    project.database.exec(`update scripts set status = 'ongoing'`)
    const { exitCode, stdout } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('recovered')
    expect(project.value('select status from scripts')).toBe('ongoing')
    project.database.exec(`update scripts set status = 'succeeded'`)
    expect(project.rows('select worker_id, outcome from ops_runs')).toEqual([
      { worker_id: 'sql', outcome: 'succeeded' },
    ])
  })
})

describe('a process with the pid of a dead run', () => {
  it.each([
    ['before this boot', { startTime: (now: number) => now, boot: 'another' }],
    ['for an earlier process of that number', { startTime: () => 1, boot: undefined }],
  ])('is not ended when its pid was recorded %s', onLinux, async (_, { startTime, boot }) => {
    const { project } = await killedWorker()
    const bystander = leaderOfAGroup()
    const groups = JSON.stringify([{ id: bystander, startTime: startTime(processStat(bystander)!.startTime) }])
    const update = project.database.prepare(`update ops_runs set process_groups = ?, boot_id = coalesce(?, boot_id)`)
    update.run(groups, boot)
    await project.ops('worker', '--drain', '--only', 'script')
    expect(project.value('select status from scripts')).toBe('failed')
    expect(isRunning(bystander)).toBe(true)
  })
})

describe('a worker suspended by SIGSTOP', () => {
  it('keeps its task from other workers, and finishes it when it resumes', async () => {
    const project = await TestProject.withProbe()
    project.addScript('echo $$ > shell.pid; until [ -e go ]; do sleep 0.02; done')
    const worker = project.start('worker')
    await project.pid('shell.pid')
    // Not during a transaction: a suspended process keeps that lock too.
    await recorded(project)
    worker.kill('SIGSTOP')
    const { exitCode, stdout } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(0)
    expect(stdout).not.toContain('recovered')
    expect(project.value('select status from scripts')).toBe('ongoing')
    worker.kill('SIGCONT')
    project.write('go', '')
    await worker.event('succeeded', 'script 1')
    await stop(worker)
    expect(project.rows('select outcome from ops_runs')).toEqual([{ outcome: 'succeeded' }])
  })
})
