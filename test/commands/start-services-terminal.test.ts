import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Service } from '../../src/config/config.ts'
import { groupsWithEnvironment } from '../../src/platform/process-group.ts'
import { terminalMissing } from '../support/terminal.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** `ops start-services` at a terminal. */
function typed(services: Record<string, Service>, { columns = 80 } = {}) {
  const project = new TestProject()
  const mark = `MARK=${project.directory}`
  const marked = Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      { ...service, env: { ...service.env, MARK: project.directory } },
    ]),
  )
  project.write('ops.config.json', JSON.stringify({ services: marked }))
  const terminal = project.startAtTerminal(columns, 'start-services', ...Object.keys(services))
  onTestFinished(async () => {
    terminal.close()
    await until(() => groupsWithEnvironment(mark).length === 0, 'nothing is left')
  })
  return { project, terminal, left: () => groupsWithEnvironment(mark) }
}

/** Logs each signal it gets, and exits some time after the first. */
const traps = (name: string, then = 'sleep 0.3; echo ended; exit') =>
  `for s in INT TERM HUP QUIT; do trap "echo $s >> ${name}.signals; ${then}" $s; done; echo up; while :; do sleep 0.05; done`

describe('on a terminal', unless(terminalMissing), () => {
  it('one Ctrl-C is one signal to each service, dependents first, and exit status 130', async () => {
    const { project, terminal, left } = typed({
      db: { command: traps('db') },
      api: { command: traps('api'), dependsOn: ['db'], ready: { log: 'up' } },
      web: { command: `sh -c '${traps('web').replaceAll("'", '')}' & wait; wait`, dependsOn: ['api'] },
    })
    await terminal.says(/web .*started/)
    await until(() => existsSync(project.path('.ops/logs/services/web.log')), 'web is up')
    terminal.pressCtrlC()
    expect(await terminal.exit).toBe(130)
    expect(['db', 'api', 'web'].map((name) => project.read(`${name}.signals`))).toEqual(['TERM\n', 'TERM\n', 'TERM\n'])
    const order = terminal.lines.filter((line) => /^\w+ +\| ended$/.test(line)).map((line) => line.split(' ')[0])
    expect(order).toEqual(['web', 'api', 'db'])
    expect(left()).toEqual([])
  })

  it('a second Ctrl-C kills services that ignore the first', async () => {
    const { terminal, left } = typed({
      deaf: { command: "trap '' TERM INT; sleep 600 & echo up; while :; do sleep 0.1; done", stopTimeout: '10m' },
    })
    await terminal.says('up')
    terminal.pressCtrlC()
    await terminal.says(/waiting for deaf \(.*press Ctrl-C again to force/)
    terminal.pressCtrlC()
    expect(await terminal.exit).toBe(130)
    expect(left()).toEqual([])
  })

  it('closing the window stops every service with one signal', async () => {
    const { project, terminal, left } = typed({ api: { command: traps('api') }, web: { command: traps('web') } })
    await terminal.says(/api .*started/)
    await terminal.says(/up[\s\S]*up/)
    terminal.close()
    await until(() => left().length === 0, 'they have ended')
    expect([project.read('api.signals'), project.read('web.signals')]).toEqual(['TERM\n', 'TERM\n'])
  })

  it('the start is a list of what each service waits for and how long it took, followed by whole lines', async () => {
    const { project, terminal } = typed(
      {
        db: {
          command: 'until test -e go; do sleep 0.05; done; echo open; exec sleep 600',
          ready: { log: 'open' },
        },
        api: { command: 'echo "first line"; exec sleep 600', dependsOn: ['db'] },
        seed: { command: 'echo seeded', oneshot: true },
      },
      { columns: 60 },
    )
    const shows = (pattern: RegExp) => terminal.lines.some((line) => pattern.test(line.trimEnd()))
    await until(() => shows(/^\S+ db +waiting for output matching \/open\/$/), 'db is waited for')
    await until(() => shows(/^\S+ api +waiting for db$/), 'api waits for db')
    project.write('go', '')
    await terminal.says('first line')
    const shown = terminal.lines.map((line) => line.trimEnd())
    expect(shown.some((line) => /^✔ db +ready in [\d.]+ m?s$/.test(line))).toBe(true)
    expect(shown.some((line) => /^✔ seed +completed in [\d.]+ m?s$/.test(line))).toBe(true)
    expect(shown).toContain('db   | open')
    expect(shown).toContain('api  | first line')
  })

  it('the exit status is that of the first service that failed, and the others have stopped', async () => {
    const { terminal, left } = typed({
      api: { command: 'sleep 0.3; printf "last words"; exit 7', restart: 'never' },
      web: { command: traps('web') },
    })
    expect(await terminal.exit).toBe(7)
    expect(terminal.lines).toContain('api | last words')
    expect(terminal.lines).toContain('web | ended')
    expect(left()).toEqual([])
  })

  it('services print colours, because their output is shown on a terminal', async () => {
    const { terminal } = typed({ api: { command: 'echo "colours: $FORCE_COLOR."; sleep 600' } })
    await terminal.says(/colours: [123]\./)
  })

  it('an error names the service that is never ready, and what it waited for', async () => {
    const { terminal, left } = typed({
      api: { command: 'echo hello; exec sleep 600', ready: { log: 'open', timeout: '700ms' } },
    })
    expect(await terminal.exit).toBe(1)
    expect(terminal.output).toMatch(/was not ready within 700ms/)
    expect(terminal.lines).toContain('api | hello')
    expect(left()).toEqual([])
  })

  it('Ctrl-C lets the worker finish its task, and a line names the task', async () => {
    const project = new TestProject()
    project.write('ops.config.json', '{ "plugins": { "exec": {} } }')
    const terminal = project.startAtTerminal(80, 'start-services')
    await terminal.says('polling')
    await project.ops(
      'enqueue',
      'exec',
      '--command',
      'while ! [ -e go ]; do sleep 0.1; done; echo finished',
      '--cwd',
      project.directory,
    )
    await terminal.says('started exec 1')
    terminal.pressCtrlC()
    await terminal.says(/waiting for worker to finish exec 1 \(node \d+/)
    project.write('go', '')
    expect(await terminal.exit).toBe(130)
    expect(project.rows('select status from commands')).toEqual([{ status: 'succeeded' }])
  })
})

it('a worker finishes its task when its window is closed', unless(terminalMissing), async () => {
  const project = new TestProject()
  await project.ops('migrate')
  const terminal = project.startAtTerminal(80, 'worker')
  await terminal.says('polling')
  const command = 'while ! [ -e go ]; do sleep 0.1; done'
  await project.ops('enqueue', 'exec', '--command', command, '--cwd', project.directory)
  await terminal.says('started exec 1')
  terminal.close()
  await setTimeout(500)
  project.write('go', '')
  await until(() => project.rows("select 1 from commands where status <> 'ongoing'").length === 1, 'it is decided')
  expect(project.rows('select status, attempt from commands')).toEqual([{ status: 'succeeded', attempt: 1 }])
  expect(project.rows('select event from ops_audit order by id').map(({ event }) => event)).not.toContain('recovered')
})
