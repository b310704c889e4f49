import { describe, expect, it } from 'vitest'
import { projectWithSingle } from '../support/single-plugin.ts'
import { everyPlugin, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

const environments = { staging: { path: '/nowhere' } }

async function shop() {
  const project = TestProject.withConfig({ plugins: { ...everyPlugin, deploy: { environments } } })
  await project.ops('migrate')
  return project
}

async function why(project: TestProject, ...task: [string, string]): Promise<string> {
  const { stdout, exitCode } = await project.ops('tasks', 'why', ...task)
  expect(exitCode).toBe(0)
  return stdout
}

describe('ops tasks why', () => {
  it('names the time, the prerequisite, the tasks ahead, the hold and the missing worker', async () => {
    const project = await shop()
    await project.ops('enqueue', 'exec', '--command', 'true', '--in', '10m')
    expect(await why(project, 'exec', '1')).toMatch(
      /^exec 1 is waiting:\n- until \d{4}-.* \(in 10 m\)\n- for a worker: none is running\. Start one: ops worker$/,
    )
    await project.ops('enqueue', 'build', '--repository', '.')
    await project.ops('enqueue', 'deploy', '--environment', 'staging', '--build-id', '1')
    await project.ops('enqueue', 'deploy', '--environment', 'staging', '--build-id', '1')
    await project.ops('hold', 'environment:staging', '--reason', 'a migration')
    expect(await why(project, 'deploy', '2')).toMatch(
      /^deploy 2 is waiting:\n- for build 1, which is pending\n- for the key environment:staging, which \S.* put on hold .*, "a migration"\. Release it: ops unhold environment:staging\n- behind 1 build task, 1 deploy task, unless those are waiting themselves\n- for a worker/,
    )
    const { reasons } = JSON.parse((await project.ops('tasks', 'why', 'deploy', '1', '--json')).stdout)
    expect(reasons.map(({ kind }: { kind: string }) => kind)).toEqual([
      'prerequisite',
      'hold',
      'tasks_ahead',
      'no_worker',
    ])
  })

  it('names the task that holds the key, and the status of a task that is not waiting', async () => {
    const project = await shop()
    for (let build = 1; build <= 3; build += 1) await project.ops('enqueue', 'build', '--repository', '.')
    project.openDatabase('.ops/ops.db').exec("update builds set status = 'ongoing' where id = 1")
    expect(await why(project, 'build', '2')).toMatch(
      /^build 2 is waiting:\n- for the key processor:build, which build 1 holds \(sql, started .*\)\n- for a worker/,
    )
    expect(await why(project, 'build', '1')).toMatch(/^build 1 is not waiting: sql started it /)
    await project.ops('tasks', 'cancel', 'build', '3')
    expect(await why(project, 'build', '3')).toMatch(/^build 3 is not waiting: canceled: /)
    const missing = await project.ops('tasks', 'why', 'build', '99')
    expect(missing.exitCode).toBe(1)
    expect(unwrapped(missing.stderr)).toContain('build 99')
  })

  it('does not miss a worker that is there', async () => {
    const project = await shop()
    await project.ops('hold', 'processor:exec')
    const worker = project.start('worker')
    await worker.event('polling')
    await project.ops('enqueue', 'exec', '--command', 'true')
    expect(await why(project, 'exec', '1')).toMatch(/^exec 1 is waiting:\n- for the key processor:exec, which .*$/)
  })

  it('says so when no running worker claims from its table', async () => {
    const project = await shop()
    const worker = project.start('worker', '--only', 'build')
    await worker.event('polling')
    await project.ops('enqueue', 'exec', '--command', 'true')
    const isRecorded = () =>
      project.openDatabase('.ops/ops.db').prepare('select task_tables from ops_workers').pluck().get()
    await until(() => typeof isRecorded() === 'string', 'the worker has said what it claims')
    expect(await why(project, 'exec', '1')).toMatch(
      /^exec 1 is waiting:\n- for a worker that runs exec tasks: 1 running worker \(\S+\), but none for them\. Start one: ops worker --only exec$/,
    )
  })

  it('says so when no processor has its table', async () => {
    const project = await projectWithSingle()
    await project.ops('enqueue', 'single')
    project.link()
    expect(await why(project, 'singles', '1')).toBe(
      [
        'singles 1 is waiting:',
        '- for a processor: none has the table "singles". Install or enable its plugin: ops plugins install <package>',
      ].join('\n'),
    )
    const unknown = await project.ops('tasks', 'why', 'single', '1')
    expect(unknown.exitCode).toBe(2)
    expect(unwrapped(unknown.stderr)).toContain('Unknown processor "single"')
  })

  it('says when its table comes before higher priorities, if the configuration limits its wait', async () => {
    const project = await shop()
    const config = { plugins: { ...everyPlugin, deploy: { environments } }, worker: { starvation: '5m' } }
    project.write('ops.config.json', JSON.stringify(config))
    await project.ops('enqueue', 'build', '--repository', '.')
    await project.ops('enqueue', 'exec', '--command', 'true')
    expect(await why(project, 'exec', '1')).toMatch(
      /\n- behind 1 build task, unless those are waiting themselves\. Its table comes before higher priorities from \d{4}-.* \(in [45] m\), one task at a time \(worker\.starvation\)\n/,
    )
    project.openDatabase('.ops/ops.db').exec('update commands set run_at = run_at - 600000')
    expect(await why(project, 'exec', '1')).toContain(
      'It has waited so long that its table comes before higher priorities',
    )
    expect(await why(project, 'build', '1')).not.toContain('higher priorities')
  })
})
