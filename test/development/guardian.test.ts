import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processCommand, processIds, processStat } from '../../src/platform/proc.ts'
import { isGroupEmptyWithin } from '../../src/platform/process-group.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

/** A service that writes its group and each signal it gets to files of its project. */
const traps = (name: string, onTerm: string) =>
  `echo $$ > ${name}.pid; trap 'echo TERM >> ${name}.signals; ${onTerm}' TERM; while :; do sleep 0.05; done`

async function killed(services: object, ...names: string[]) {
  const project = new TestProject()
  project.write('ops.config.json', JSON.stringify({ services }))
  const ops = project.start('start-services', ...Object.keys(services))
  const groups = await Promise.all(names.map((name) => project.pid(`${name}.pid`)))
  ops.kill('SIGKILL')
  await ops.exit
  return { project, groups }
}

describe('when ops is killed', () => {
  it('services get one stop signal, and are killed after their stopTimeout', async () => {
    const { project, groups } = await killed(
      {
        kind: { command: traps('kind', 'exit') },
        deaf: { command: traps('deaf', ':'), stopTimeout: '500ms' },
      },
      'kind',
      'deaf',
    )
    for (const group of groups) expect(await isGroupEmptyWithin(group, 8000)).toBe(true)
    expect([project.read('kind.signals'), project.read('deaf.signals')]).toEqual(['TERM\n', 'TERM\n'])
  })

  it('they can write any amount of output during a clean stop', async () => {
    const { project, groups } = await killed(
      { loud: { command: traps('loud', 'head -c 300000 /dev/zero; echo out; echo err >&2; touch loud.done; exit') } },
      'loud',
    )
    expect(await isGroupEmptyWithin(groups[0]!, 8000)).toBe(true)
    expect(existsSync(project.path('loud.done'))).toBe(true)
  })

  it('dependents stop first', async () => {
    const { project, groups } = await killed(
      {
        db: { command: traps('db', 'ls slow.done > db.saw; exit') },
        slow: { command: traps('slow', 'sleep 0.5; touch slow.done; exit'), dependsOn: ['db'] },
      },
      'db',
      'slow',
    )
    for (const group of groups) expect(await isGroupEmptyWithin(group, 8000)).toBe(true)
    expect(project.read('db.saw')).toBe('slow.done\n')
  })

  it('a worker finishes its task', async () => {
    const project = await TestProject.withProbe({})
    project.addScript('sleep 1.5; echo done > done')
    const ops = project.start('start-services')
    await ops.says('started script 1')
    ops.kill('SIGKILL')
    await until(() => project.value('select status from scripts') === 'succeeded', 'the task has succeeded')
  })
})

it('a guardian that was killed is replaced', async () => {
  const project = new TestProject()
  const services = { api: { command: 'echo $PPID > ops.pid; echo $$ > api.pid; exec sleep 60' } }
  project.write('ops.config.json', JSON.stringify({ services }))
  writeFileSync(join(project.directory, 'find'), '')
  const ops = project.start('start-services', 'api')
  const api = await project.pid('api.pid')
  const first = await guardianOf(ops.pid)
  // A guardian that exits within its first second is not replaced.
  await new Promise((resolve) => setTimeout(resolve, 1100))
  process.kill(first, 'SIGKILL')
  await until(() => !isRunning(first), 'it is gone')
  const second = await guardianOf(ops.pid)
  expect(second).not.toBe(first)
  ops.kill('SIGKILL')
  expect(await isGroupEmptyWithin(api, 8000)).toBe(true)
})

async function guardianOf(ops: number): Promise<number> {
  let found: number | undefined
  await until(() => {
    found = processIds().find((pid) => processCommand(pid)[0] === 'ops-guardian' && processStat(pid)?.parent === ops)
    return found !== undefined
  }, 'there is a guardian')
  return found!
}
