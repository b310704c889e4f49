import { describe, expect, it } from 'vitest'
import { checkUnitFiles } from '../../src/server/check-unit-files.ts'
import { renderUnits } from '../../src/server/render-units.ts'
import { explainUnit, renderTemplate } from '../../src/systemd/unit-template.ts'
import { missingProgram, unless } from '../support/unless.ts'
import { serverSetup } from '../systemd/setup.ts'

const services = {
  assets: { command: 'node build.js', oneshot: true },
  api: { command: 'node api.js', port: 3000, dependsOn: { assets: 'completed' }, ready: { http: '/health' } },
  front: { command: 'node front.js', port: 80, stopSignal: 'SIGINT', stopTimeout: '1m', instances: 1 },
} as const

const textOf = (file: string, setup = serverSetup(services)) =>
  renderUnits(setup).find((unit) => unit.file === file)!.text
const hashOf = (file: string, setup = serverSetup(services)) =>
  renderUnits(setup).find((unit) => unit.file === file)!.hash
const linesOf = (file: string, key: string, setup = serverSetup(services)) =>
  textOf(file, setup)
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1))

describe('the units of a project', () => {
  it('are the migration, the services in the order of their dependencies, the workers and a target', () => {
    expect(renderUnits(serverSetup(services)).map(({ file }) => file)).toEqual([
      'shop-migrate.service',
      'shop-assets.service',
      'shop-api.service',
      'shop-front.service',
      'shop-worker@.service',
      'shop.target',
    ])
  })

  it('start after the migration, and after what they depend on', () => {
    expect(linesOf('shop-api.service', 'After')).toEqual([
      'network-online.target shop-migrate.service shop-assets.service',
    ])
    expect(linesOf('shop-api.service', 'Requires')).toEqual(['shop-assets.service'])
    expect(linesOf('shop.target', 'Wants')[0]).toContain('shop-worker@1.service')
  })

  it('run the worker with node itself, with notifications, and stop it after its task', () => {
    const worker = (key: string) => linesOf('shop-worker@.service', key)
    expect(worker('ExecStart')).toEqual([
      `:"${process.execPath}" "/usr/lib/node_modules/@ops-cli/core/bin/run.js" "worker"`,
    ])
    expect(worker('Type')).toEqual(['notify'])
    expect(worker('KillMode')).toEqual(['mixed'])
    expect(worker('Restart')).toEqual(['always'])
    expect(worker('StateDirectory')).toEqual(['shop'])
  })

  it.each(['shop-worker@.service', 'shop-api.service'])(
    'restart %s after five seconds, however often, but not with a configuration that is wrong',
    (file) => {
      expect(linesOf(file, 'Restart')).toEqual(['always'])
      expect(linesOf(file, 'RestartSec')).toEqual(['5s'])
      expect(linesOf(file, 'StartLimitIntervalSec')).toEqual(['0'])
      expect(linesOf(file, 'RestartPreventExitStatus')).toEqual(['78'])
    },
  )

  it('fail the start of a service whose program cannot be executed, and wait until it is ready', () => {
    const api = (key: string) => linesOf('shop-api.service', key)
    expect(api('Type')).toEqual(['exec'])
    expect(api('KillMode')).toEqual(['mixed'])
    expect(api('ExecStartPost')[0]).toContain('"wait-ready"')
    expect(linesOf('shop-assets.service', 'Type')).toEqual(['oneshot'])
  })

  it('allow only what the configuration allows', () => {
    const open = serverSetup({
      api: {
        command: 'node api.js',
        allow: { writePaths: ['/srv/uploads', '/home/ann/out'], capabilities: ['CAP_CHOWN'], user: 'ann' },
      },
    })
    const api = (key: string) => linesOf('shop-api.service', key, open)
    expect(api('User')).toEqual(['ann'])
    expect(api('StateDirectory')).toEqual(['shop-api'])
    expect(api('ReadWritePaths')).toEqual(['"-/srv/uploads"'])
    expect(api('BindPaths')).toEqual(['"-/home/ann/out"'])
    expect(api('ProtectHome')).toEqual(['tmpfs'])
    expect(api('CapabilityBoundingSet')).toEqual(['CAP_CHOWN'])
    expect(api('PrivateUsers')).toEqual(['no'])
    expect(linesOf('shop-front.service', 'AmbientCapabilities')).toEqual(['CAP_NET_BIND_SERVICE'])
  })

  it('contain no secret: variables are in files, whose changes change the unit', () => {
    const withToken = (token: string) => serverSetup({ api: { command: 'node api.js', env: { TOKEN: token } } })
    expect(textOf('shop-api.service', withToken('hunter2'))).not.toContain('hunter2')
    expect(hashOf('shop-api.service', withToken('hunter2'))).not.toBe(hashOf('shop-api.service', withToken('hunter3')))
  })

  it('have the same hash with a newer ops, which restarts no service', () => {
    const newer = serverSetup(services, { version: '0.2.0' })
    expect(hashOf('shop-api.service', newer)).toBe(hashOf('shop-api.service'))
    expect(textOf('shop-api.service', newer)).not.toBe(textOf('shop-api.service'))
  })

  it('explain every directive', () => {
    const silent = renderUnits(serverSetup(services))
      .flatMap(({ text }) => explainUnit(text))
      .filter(({ explanation }) => explanation === '')
      .map(({ directive }) => directive.split('=')[0])
    expect(new Set(silent)).toEqual(new Set(['Description']))
  })
})

describe('a template', () => {
  it('drops a comment with the last of its directives, and leaves no place empty', () => {
    expect(() => renderTemplate('target.target', {})).toThrow(
      'has the place "description", and there is no value for it',
    )
    expect(textOf('shop-front.service')).not.toContain('Must have succeeded')
    expect(textOf('shop-api.service')).toContain('Must have succeeded')
    expect(renderUnits(serverSetup(services)).filter(({ text }) => /__\w+__|^include /m.test(text))).toEqual([])
  })
})

describe('systemd-analyze', unless(missingProgram('systemd-analyze')), () => {
  it('accepts the units, with an exposure of at most 1.5 and 2.5', async () => {
    const checks = (await checkUnitFiles(renderUnits(serverSetup(services, { ops: import.meta.filename }))))!
    expect(checks.flatMap(({ complaints }) => complaints)).toEqual([])
    const exposureOf = (file: string) => checks.find((check) => check.file === file)!.exposure
    expect(exposureOf('shop-worker@.service')).toBeLessThanOrEqual(1.5)
    expect(exposureOf('shop-migrate.service')).toBeLessThanOrEqual(1.5)
    expect(exposureOf('shop-api.service')).toBeLessThanOrEqual(1.5)
    // With a port below 1024.
    expect(exposureOf('shop-front.service')).toBeLessThanOrEqual(2.5)
  })

  it('reports its complaints, also about a template', async () => {
    const units = renderUnits(serverSetup(services)).map((unit) => ({
      ...unit,
      text: unit.text.replace('[Service]', '[Service]\nRestartSecs=5'),
    }))
    const checks = (await checkUnitFiles(units))!
    const complained = checks.filter(({ complaints }) => complaints.some((line) => line.includes('RestartSecs')))
    expect(complained.map(({ file }) => file)).toEqual(
      units.map(({ file }) => file).filter((file) => file.endsWith('.service')),
    )
  })

  it('names what the remaining points are for', async () => {
    const [check] = (await checkUnitFiles(renderUnits(serverSetup(services)).slice(0, 1)))!
    expect(check!.remaining[0]).toMatchObject({ points: expect.any(Number), what: expect.stringMatching(/\w/) })
    expect(check!.remaining.map(({ points }) => points)).toEqual(
      check!.remaining.map(({ points }) => points).sort((a, b) => b - a),
    )
  })
})
