import { existsSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { isGroupEmptyWithin } from '../../src/platform/process-group.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

function start(config: Config | string, ...args: string[]) {
  const project = new TestProject()
  project.write('ops.config.json', typeof config === 'string' ? config : JSON.stringify(config))
  const ops = project.start('start-services', ...args)
  const says = (text: RegExp) => until(() => text.test(ops.output), `ops prints ${text}`)
  return { project, ops, says }
}

const waits = `trap 'echo got TERM; exit 0' TERM; echo pid $$ in $PWD with $OPS_CONFIG; while :; do sleep 0.1; done`

describe('ops start-services', () => {
  it('exits with 130 after Ctrl-C, when services and worker have stopped', async () => {
    const { project, ops, says } = start({ services: { api: { command: waits } } })
    await says(/api +\| pid \d+/)
    await says(/worker +\| .*polling/)
    ops.kill('SIGINT')
    expect(await ops.exit).toBe(130)
    expect(ops.output.match(/got TERM/g)).toHaveLength(1)
    expect(ops.output).toMatch(/worker stopped/)
    expect(existsSync(project.path('.ops/ops.db'))).toBe(true)
  })

  it('exits with 143 after SIGTERM', async () => {
    const { ops, says } = start({ services: { api: { command: waits } } }, 'api')
    await says(/pid \d+/)
    ops.kill('SIGTERM')
    expect(await ops.exit).toBe(143)
  })

  it('starts only the named services, in the project and with its configuration', async () => {
    const { project, ops } = start({ services: { api: { command: waits }, web: { command: 'echo web' } } }, 'api')
    await ops.says(`in ${project.directory} with ${project.path('ops.config.json')}`)
    ops.kill('SIGINT')
    await ops.exit
    expect(ops.output).not.toMatch(/worker|web/)
  })

  it('migrates the database before the first service starts', async () => {
    const { says } = start({ services: { api: { command: 'ls .ops/ops.db; sleep 60' } } }, 'api')
    await says(/api +\| \.ops\/ops\.db/)
  })

  it('exits with the status of the service that failed, and prints its last output', async () => {
    const services = { api: { command: 'printf "last words"; exit 7', restart: 'never' } } as const
    const { ops } = start({ services }, 'api')
    expect(await ops.exit).toBe(7)
    expect(ops.output).toContain('api | last words\n')
    expect(ops.output).toContain('ops | api failed with exit code 7\n')
    expect(ops.output).toContain('The service "api" failed with exit code 7.')
  })

  it('exits with 2 for an unknown service, and with 78 for an invalid configuration', async () => {
    const unknown = start({ services: { api: { command: waits } } }, 'apo').ops
    expect(await unknown.exit).toBe(2)
    expect(unknown.output).toContain('Did you mean "api"?')
    const invalid = start('{ "services": { "api": { "comand": "x" } } }').ops
    expect(await invalid.exit).toBe(78)
    expect(invalid.output.replaceAll(/\s+/g, ' ')).toContain(
      'services.api.comand: unknown key, did you mean "command"?',
    )
  })

  it('blocks no service while its reader does not read', async () => {
    const command = 'echo up; until [ -e go ]; do sleep 0.02; done; seq 300000; touch done; sleep 60'
    const { project, ops } = start({ services: { api: { command } } }, 'api')
    onTestFinished(() => ops.closeOutput())
    await ops.says('up')
    ops.pauseOutput()
    project.write('go', '')
    await until(() => existsSync(project.path('done')), 'the service has printed more than a pipe holds')
  })

  it('leaves nothing running when its reader goes away', async () => {
    const services = { api: { command: 'echo $$ > pid; while :; do echo tick; sleep 0.1; done' } }
    const { project, ops } = start({ services }, 'api')
    await ops.says('tick')
    ops.closeOutput()
    await ops.exit
    expect(await isGroupEmptyWithin(await project.pid('pid'), 5000)).toBe(true)
  })
})
