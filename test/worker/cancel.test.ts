import { describe, expect, it } from 'vitest'
import { openQueue } from '../../src/queue/open-queue.ts'
import { scripts } from '../fixtures/plugin-probe/src/script.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

const family = 'echo $$ > shell.pid; sleep 1000 & echo $! > child.pid; wait'

describe('a running task that is canceled', () => {
  it('has its processes ended, and the next task runs', async () => {
    const project = await TestProject.withProbe()
    project.addScript(family)
    const worker = project.start('worker')
    const pids = [await project.pid('shell.pid'), await project.pid('child.pid')]
    project.addScript('echo next')
    const queue = await openQueue(`sqlite:${project.path('.ops/ops.db')}`, { directory: '/' })
    expect(await queue.cancel(scripts, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    await queue.close()
    await until(() => project.value('select status from scripts where id = 1') === 'canceled', 'it is canceled')
    expect(pids.filter(isRunning)).toEqual([])
    expect(project.rows('select error from scripts where id = 1')).toEqual([{ error: 'canceled by ada' }])
    expect(project.value('select outcome from ops_runs where task_id = 1')).toBe('canceled')
    await worker.event('succeeded', 'script 2')
    expect(worker.output).toContain('script 1 was canceled by ada')
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })

  it('is also canceled when its worker is dead', async () => {
    const project = await TestProject.withProbe()
    project.addScript(family)
    const worker = project.start('worker')
    await project.pid('child.pid')
    worker.kill('SIGKILL')
    await worker.exit
    const queue = await openQueue(`sqlite:${project.path('.ops/ops.db')}`, { directory: '/' })
    expect(await queue.cancel(scripts, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    await queue.close()
    await project.ops('worker', '--drain')
    const [{ status, error } = {}] = project.rows('select status, error from scripts')
    expect(status).toBe('canceled')
    expect(error).toMatch(/^canceled by ada; worker \S+ died$/)
  })
})
