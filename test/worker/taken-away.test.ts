import { describe, expect, it } from 'vitest'
import { takeAway } from '../support/take-away.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

describe('a run that is taken away', () => {
  it('has its processes ended; nothing is written but a log line, and the worker continues', async () => {
    const project = await TestProject.withProbe()
    project.addScript('echo $$ > shell.pid; sleep 1000 & echo $! > child.pid; wait; echo late')
    const worker = project.start('worker')
    const pids = [await project.pid('shell.pid'), await project.pid('child.pid')]
    // After that, nothing but the check of the run notices.
    await until(() => project.value('select process_groups from ops_runs') !== null, 'its processes are recorded')
    await takeAway(project, 'scripts', 'failed')
    await until(() => !pids.some(isRunning), 'its processes have ended')
    const { message } = await worker.event('taken_away', 'script 1')
    const run = project.value<number>('select min(id) from ops_runs')
    expect(message).toBe(`script 1: run ${run} was taken away; its processes were ended and nothing was written`)
    project.addScript('echo next')
    await worker.event('succeeded', 'script 2')
    expect(project.rows('select status, error, output from scripts where id = 1')).toEqual([
      { status: 'failed', error: 'by hand', output: null },
    ])
    expect(project.rows('select outcome, error from ops_runs where id = ?', run)).toEqual([
      { outcome: 'failed', error: 'by hand' },
    ])
    const events = project.rows('select event from ops_audit where run_id = ? order by id', run)
    expect(events.map(({ event }) => event)).toEqual(['started', 'failed', 'recovered'])
  })

  it('does not touch the task when a new run of it has started', async () => {
    const project = await TestProject.withProbe()
    project.addScript(
      '[ -e again ] && exec echo second; touch again; trap "" TERM; echo $$ > shell.pid; until [ -e go ]; do sleep 0.02; done; echo first',
    )
    const worker = project.start('worker', '--only', 'script')
    await project.pid('shell.pid')
    await until(() => project.value('select process_groups from ops_runs') !== null, 'the worker waits for its program')
    worker.kill('SIGSTOP')
    await takeAway(project, 'scripts', 'failed')
    project.database.exec(`update scripts set status = 'pending', run_at = 0`)
    await project.ops('worker', '--drain')
    expect(project.value('select output from scripts')).toBe('second')
    project.write('go', '')
    worker.kill('SIGCONT')
    await worker.event('taken_away', 'script 1')
    expect(project.rows('select status, output, attempt from scripts')).toEqual([
      { status: 'succeeded', output: 'second', attempt: 2 },
    ])
  })

  it('does not settle a newer run when its own task finishes first', async () => {
    const project = await TestProject.withProbe()
    project.addScript('echo $$ > shell.pid; until [ -e go ]; do sleep 0.01; done; echo first')
    const worker = project.start('worker')
    await project.pid('shell.pid')
    await takeAway(project, 'scripts', 'failed')
    const take = ['pending', 'ongoing'].map((status) => `update scripts set status = '${status}';`)
    project.database.exec(`begin immediate; ${take.join('')} commit`)
    project.write('go', '')
    await worker.event('taken_away', 'script 1')
    expect(project.rows('select status, output from scripts')).toEqual([{ status: 'ongoing', output: null }])
    expect(project.rows('select worker_id from ops_runs where ended_at is null')).toEqual([{ worker_id: 'sql' }])
  })
})
