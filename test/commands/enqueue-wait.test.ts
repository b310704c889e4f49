import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'

async function projectWithWorker(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  await project.start('worker').event('polling')
  return project
}

describe('ops enqueue --wait', () => {
  it('follows the log, says what happens, and exits 0 when the task has succeeded', async () => {
    const project = await projectWithWorker()
    const script = 'echo one; sleep 0.3; echo two >&2; printf three'
    const { exitCode, stdout } = await project.ops('enqueue', 'script', '--script', script, '--wait')
    expect(exitCode).toBe(0)
    expect(stdout.split('\n')[0]).toBe('script 1')
    expect(stdout.replaceAll(/^── .*\n/gm, '')).toContain('one\ntwo\nthree')
    expect(stdout.split('\n').at(-1)).toBe('── script 1 succeeded')
  })

  it('shows the output while the task still runs', async () => {
    const project = await projectWithWorker()
    const waiting = project.start(
      'enqueue',
      'script',
      '--script',
      'echo early; until [ -e go ]; do sleep 0.02; done',
      '--wait',
    )
    await waiting.says('early\n')
    expect(project.value('select status from scripts')).toBe('ongoing')
    project.write('go', '')
    expect(await waiting.exit).toBe(0)
  })

  it('exits 1 when the task has failed, and says why', async () => {
    const project = await projectWithWorker()
    const { exitCode, stdout } = await project.ops('enqueue', 'outcome', '--how', 'throws', '--wait')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('── outcome 1 failed: the first line')
  })

  it('returns the tasks with --json, and the log beside it', async () => {
    const project = await projectWithWorker()
    const argv = ['enqueue', 'outcome', '--how', 'columns', '--wait', '--json']
    const { exitCode, stdout, stderr } = await project.ops(...argv)
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      processor: 'outcome',
      ids: [1],
      tasks: [{ id: 1, status: 'succeeded', answer: 'yes', code: 7 }],
    })
    expect(stderr).toContain('── outcome 1 succeeded')
  })

  it('says after a while that no worker runs', async () => {
    const project = await TestProject.withProbe()
    const waiting = project.start('enqueue', 'urgent', '--wait')
    await waiting.says('No worker is running. Start one: ops worker')
    project.start('worker')
    expect(await waiting.exit).toBe(0)
  })

  it('gives up after --timeout, exits 1, and leaves the task', async () => {
    const project = await TestProject.withProbe()
    const { exitCode, stdout } = await project.ops(
      'enqueue',
      'script',
      '--script',
      'true',
      '--wait',
      '--timeout',
      '10ms',
    )
    expect(exitCode).toBe(1)
    expect(stdout).toContain('script 1 is still pending, and is no longer waited for')
    expect(project.value('select status from scripts')).toBe('pending')
    const refused = await project.ops('enqueue', 'script', '--script', 'true', '--timeout', '10ms')
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('there is no --wait') })
    expect(project.value('select count(*) from scripts')).toBe(1)
  })

  it('waits for every task of --from, and exits 1 when one of them fails', async () => {
    const project = await projectWithWorker()
    const input = '{"how":"throws"}\n{"how":"nothing"}'
    const { exitCode, stdout } = await project.opsWith({ input }, 'enqueue', 'outcome', '--from', '-', '--wait')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('── outcome 1 failed')
    expect(stdout).toContain('── outcome 2 succeeded')
  })
})
