import { describe, expect, it } from 'vitest'
import { isRunning, TestProject } from '../support/test-project.ts'
import { notLinux, unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

describe('a task that runs past its timeout', () => {
  it('fails and leaves no process: no grandchild, nothing that ignores SIGTERM', async () => {
    const project = await TestProject.withProbe({ plugins: { probe: { timeout: '3s' } } })
    const stubborn = `sh -c 'trap "" TERM; echo $$ > stubborn.pid; while :; do sleep 60; done' &`
    project.addScript(`echo $$ > shell.pid; ${stubborn} (sleep 60 & echo $! > grandchild.pid; wait) & wait`)
    const { exitCode, stdout } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(0)
    expect(project.rows('select status, error from scripts')).toEqual([
      { status: 'failed', error: 'timed out after 3s' },
    ])
    expect(project.rows('select outcome, error, deadline_at - started_at as allowed from ops_runs')).toEqual([
      { outcome: 'timed_out', error: 'timed out after 3s', allowed: 3000 },
    ])
    expect(stdout).toContain('timed out after 3s')
    const pids = await Promise.all(['shell.pid', 'stubborn.pid', 'grandchild.pid'].map((name) => project.pid(name)))
    expect(pids.filter(isRunning)).toEqual([])
  })

  it('ends a process that created its own session', unless(notLinux), async () => {
    const project = await TestProject.withProbe({ plugins: { probe: { timeout: '3s' } } })
    project.addScript(`setsid sh -c 'echo $$ > far.pid; exec sleep 60' & wait`)
    await project.ops('worker', '--drain')
    expect(project.value('select error from scripts')).toBe('timed out after 3s')
    expect(isRunning(await project.pid('far.pid'))).toBe(false)
  })

  it('does not delay the next task', async () => {
    const project = await TestProject.withProbe({ plugins: { probe: { timeout: '3s' } } })
    project.addScript('sleep 60')
    project.addScript('echo next')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, output from scripts')).toEqual([
      { status: 'failed', output: null },
      { status: 'succeeded', output: 'next' },
    ])
  })

  it('ends the worker when it never ends, so that nothing runs beside it', async () => {
    const project = await TestProject.withProbe({ plugins: { probe: { timeout: '100ms' } } })
    project.database.exec(`insert into outcomes (how) values ('hangs'), ('nothing')`)
    const { exitCode, stderr } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('is still running although its signal has aborted')
    expect(project.rows('select status, error from outcomes')).toEqual([
      { status: 'failed', error: 'timed out after 100ms' },
      { status: 'pending', error: null },
    ])
    expect(project.value('select count(*) from ops_runs where ended_at is null')).toBe(0)
  })
})
