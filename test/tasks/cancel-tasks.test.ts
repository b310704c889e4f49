import { describe, expect, it, onTestFinished } from 'vitest'
import { bundledPlugins } from '../../src/plugins/find-plugins.ts'
import { migrateProject } from '../../src/project/migrate-project.ts'
import { openProject } from '../../src/project/open-project.ts'
import { cancelTasks } from '../../src/tasks/cancel-tasks.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('canceling an ongoing task', () => {
  it('is not reported as done while its worker has not responded', async () => {
    const project = await openProject({ cwd: temporaryFolder(), env: {}, plugins: bundledPlugins() })
    onTestFinished(() => project.close())
    await migrateProject(project)
    const { queued } = await project.processor('build')
    const { queue } = project
    await queue.startWorker({ id: 'deaf', host: 'here', pid: process.pid, version: '0' })
    await queue.enqueue(queued.table, [{ repository: '.' }])
    const { run } = (await queue.claim([queued]))!
    const stopping: string[] = []
    const options = { wait: true, timeout: 120, onStopping: (task: string) => void stopping.push(task) }
    const [result] = await cancelTasks(project, 'build', ['1'], options)
    expect(stopping).toEqual(['build 1'])
    expect(result).toMatchObject({ task: 'build 1', status: 'ongoing' })
    expect(result!.problem?.message).toBe('build 1 is not canceled yet: its worker has not responded.')
    expect((await queue.stateOf(run)).cancelRequestedBy).toMatch(/ \(ops cancel\)$/)
  })
})
