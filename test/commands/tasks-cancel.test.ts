import { describe, expect, it } from 'vitest'
import { takeAway } from '../support/take-away.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

describe('ops tasks cancel', () => {
  it('cancels a pending task at once', async () => {
    const project = await TestProject.withProbe()
    project.addScript('true')
    const { exitCode, stdout } = await project.ops('tasks', 'cancel', 'script', '1')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'script 1 is canceled' })
    expect(project.value('select error from scripts')).toMatch(/^canceled by .* \(ops cancel\)$/)
  })

  it('stops an ongoing task with all its processes', async () => {
    const project = await TestProject.withProbe()
    project.start('worker')
    project.addScript('sleep 1000 & echo $! > child; echo $$ > shell; wait')
    const pids = [await project.pid('child'), await project.pid('shell')]
    const canceling = project.ops('tasks', 'cancel', 'script', '1')
    await until(
      () => project.rows(`select 1 from ops_audit where event = 'cancel_requested'`).length === 1,
      'it is asked',
    )
    await until(() => !pids.some(isRunning), 'the processes have ended')
    const { exitCode, stdout } = await canceling
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'script 1 is stopping\nscript 1 is canceled',
    })
    expect(project.value('select status from scripts')).toBe('canceled')
    expect(project.value(`select actor from ops_audit where event = 'cancel_requested'`)).toMatch(/ \(ops cancel\)$/)
  })

  it('prints the result of each with --json, and does not wait with --no-wait', async () => {
    const project = await TestProject.withProbe()
    project.start('worker')
    project.addScript('echo $$ > shell; sleep 100')
    await project.pid('shell')
    project.addScript('true')
    const { exitCode, stdout } = await project.ops('tasks', 'cancel', 'script', '1', '2', '--no-wait', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      tasks: [
        { task: 'script 1', id: 1, status: 'ongoing' },
        { task: 'script 2', id: 2, status: 'canceled' },
      ],
    })
    await until(() => project.value('select status from scripts where id = 1') === 'canceled', 'it is canceled')
  })

  it('reports a task that ended in another way, and exits 1', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker')
    project.addScript('echo $$ > shell; sleep 100')
    await project.pid('shell')
    // Its last write before it only waits: a stopped process would keep the database's lock.
    await until(() => project.value('select process_groups from ops_runs') !== null, 'the worker has written')
    // It lives, and cannot answer.
    worker.kill('SIGSTOP')
    const canceling = project.start('tasks', 'cancel', 'script', '1')
    await canceling.says('script 1 is stopping')
    await takeAway(project, 'scripts', 'succeeded')
    expect(await canceling.exit).toBe(1)
    expect(unwrapped(canceling.output)).toContain('script 1 was not canceled: it has succeeded.')
    worker.kill('SIGCONT')
  })

  it('does not wait where no worker is running', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker')
    project.addScript('echo $$ > shell; sleep 100')
    await project.pid('shell')
    await worker.destroy()
    const { exitCode, stderr } = await project.ops('tasks', 'cancel', 'script', '1')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('script 1 is not canceled yet: no worker is running.')
    expect(unwrapped(stderr)).toContain('Try: ops worker')
    await project.ops('worker', '--drain')
    expect(project.value('select status from scripts')).toBe('canceled')
  })

  it.each([
    ['true', 'has already succeeded'],
    ['false', 'has already failed'],
  ])('refuses a task that ended with %s', async (script, message) => {
    const project = await TestProject.withProbe()
    project.addScript(script)
    await project.ops('worker', '--drain')
    const { exitCode, stderr } = await project.ops('tasks', 'cancel', 'script', '1')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain(message)
  })

  it('reports a task that is already canceled, and one that does not exist', async () => {
    const project = await TestProject.withProbe()
    project.addScript('true')
    await project.ops('tasks', 'cancel', 'script', '1')
    const { exitCode, stdout, stderr } = await project.ops('tasks', 'cancel', 'script', '1', '2')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toContain('script 1 is already canceled')
    expect(stderr).toContain('script 2 not found.')
  })
})
