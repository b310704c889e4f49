import { describe, expect, it } from 'vitest'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

const log = '.ops/logs/scripts/1.1.log'

describe('what a program of a task prints', () => {
  it('is all in the log, and only stdout in the result', async () => {
    const project = await TestProject.withProbe()
    project.addScript('echo one; echo two >&2; echo three; echo four >&2')
    await project.ops('worker', '--drain')
    expect(project.value('select output from scripts')).toBe('one\nthree')
    expect(project.read(log).split('\n').sort()).toEqual(['', 'four', 'one', 'three', 'two'])
  })

  it('is complete although it exceeds what a pipe holds', async () => {
    const project = await TestProject.withProbe()
    project.addScript('i=0; while [ $i -lt 20000 ]; do echo "line $i"; echo "other $i" >&2; i=$((i+1)); done')
    await project.ops('worker', '--drain')
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
    expect(project.value('select output from scripts')).toBe(lines.join('\n'))
    const logged = project.read(log).split('\n')
    expect(logged.filter((line) => line.startsWith('line '))).toEqual(lines)
    expect(logged).toHaveLength(40_001)
  })

  it('is not buffered with buffer: false, but is in the log', async () => {
    const project = await TestProject.withProbe({ plugins: { probe: { buffer: false } } })
    project.addScript('echo out; echo err >&2')
    await project.ops('worker', '--drain')
    expect(project.value('select output from scripts')).toBe('')
    // One descriptor for both, so their order is certain.
    expect(project.read(log)).toBe('out\nerr\n')
  })

  it('still reaches the log when the worker is killed, until recovery ends the program', async () => {
    const project = await TestProject.withProbe()
    project.addScript(
      'echo $$ > shell.pid; i=0; while :; do i=$((i+1)); echo out $i; echo err $i >&2; sleep 0.02; done',
    )
    const worker = project.start('worker')
    const pid = await project.pid('shell.pid')
    worker.kill('SIGKILL')
    await worker.exit
    const last = (stream: string) =>
      Number(
        project
          .read(log)
          .match(new RegExp(`^${stream} \\d+$`, 'gm'))
          ?.at(-1)
          ?.slice(4) ?? 0,
      )
    const [out, err] = [last('out'), last('err')]
    await until(() => last('out') > out + 10 && last('err') > err + 10, 'the program has written more of both')
    expect(isRunning(pid)).toBe(true)
    await project.ops('worker', '--drain')
    expect(isRunning(pid)).toBe(false)
    const lines = project.read(log).match(/^out \d+$/gm)!
    expect(lines).toEqual(lines.map((_, index) => `out ${index + 1}`))
  })

  it('is part of the error of a program that fails, with its exit code', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into outcomes (how) values ('fails')`)
    await project.ops('worker', '--drain')
    expect(project.rows('select status, answer, code from outcomes')).toEqual([
      { status: 'succeeded', answer: 'out', code: 3 },
    ])
    expect(project.read('.ops/logs/outcomes/1.1.log').split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  it('does not delay a task whose program left a child behind that holds the pipe open', async () => {
    const project = await TestProject.withProbe()
    project.addScript('sleep 60 & echo $! > child.pid; echo done')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, output from scripts')).toEqual([{ status: 'succeeded', output: 'done' }])
    expect(isRunning(await project.pid('child.pid'))).toBe(false)
  })
})
