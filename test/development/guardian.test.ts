import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isGroupEmptyWithin } from '../../src/platform/process-group.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

/** What a service does in the files of its project: its group, and each signal that it gets. */
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
  it('services are asked once, and killed when their time is over', async () => {
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

  it('they can write as much as they want on their way to a clean end', async () => {
    const { project, groups } = await killed(
      { loud: { command: traps('loud', 'head -c 300000 /dev/zero; echo out; echo err >&2; touch loud.done; exit') } },
      'loud',
    )
    expect(await isGroupEmptyWithin(groups[0]!, 8000)).toBe(true)
    expect(existsSync(project.path('loud.done'))).toBe(true)
  })

  it('dependents end first', async () => {
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
    await ops.says('script 1 started')
    ops.kill('SIGKILL')
    await until(() => project.value('select status from scripts') === 'succeeded', 'the task has succeeded')
  })
})

it('a guardian that was ended alone is replaced', async () => {
  const project = new TestProject()
  const services = { api: { command: 'echo $PPID > ops.pid; echo $$ > api.pid; exec sleep 60' } }
  project.write('ops.config.json', JSON.stringify({ services }))
  writeFileSync(join(project.directory, 'find'), '')
  const ops = project.start('start-services', 'api')
  const api = await project.pid('api.pid')
  const first = await guardianOf(ops.pid)
  // One that ends as soon as it has begun would be started for ever.
  await new Promise((resolve) => setTimeout(resolve, 1100))
  process.kill(first, 'SIGKILL')
  await until(() => !isRunning(first), 'it is gone')
  const second = await guardianOf(ops.pid)
  expect(second).not.toBe(first)
  ops.kill('SIGKILL')
  expect(await isGroupEmptyWithin(api, 8000)).toBe(true)
})

async function guardianOf(ops: number): Promise<number> {
  const { readdirSync, readFileSync } = await import('node:fs')
  let found: string | undefined
  await until(() => {
    found = readdirSync('/proc').find((pid) => {
      try {
        const isGuardian = readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('ops-guardian')
        return isGuardian && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(` S ${ops} `)
      } catch {
        return false
      }
    })
    return found !== undefined
  }, 'there is a guardian')
  return Number(found)
}
