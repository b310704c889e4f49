import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { configSchema } from '../../src/config/config-schema.ts'
import { compareFields, serviceParity } from '../../src/doctor/service-parity.ts'
import { unsupportedFields } from '../../src/server/unsupported-fields.ts'

/** The parts of a valibot schema that lead to its keys and values. */
interface Schema {
  readonly wrapped?: Schema
  readonly pipe?: readonly Schema[]
  readonly entries?: Readonly<Record<string, Schema>>
  readonly value?: Schema
  readonly options?: readonly (Schema | string)[]
}

/** The schema inside an optional one or one with further checks. */
function core(schema: Schema): Schema {
  if (schema.wrapped) return core(schema.wrapped)
  return schema.pipe?.find(({ entries, value }) => entries ?? value) ?? schema
}

function fieldsOf(schema: Schema): string[] {
  return Object.entries(core(schema).entries!).flatMap(([key, of]) =>
    core(of).entries ? fieldsOf(of).map((inner) => `${key}.${inner}`) : [key],
  )
}

/** All values of picklists in a schema. */
function choices(schema: Schema): string[] {
  const { options = [], value } = core(schema)
  const inner = options.flatMap((option) => (typeof option === 'string' ? [option] : choices(option)))
  return [...inner, ...(typeof value === 'object' ? choices(value) : [])]
}

const serviceSchema = core(core(configSchema as Schema).entries!.services!).value!
const rows = Object.keys(serviceParity).map((field) => field.split(': '))
const unsupported = (config: Config) => unsupportedFields(config).map(({ where, message }) => `${where}: ${message}`)

describe('the comparison of development and systemd', () => {
  it('has every field of the configuration, and no other', () => {
    expect([...new Set(rows.map(([field]) => field))].sort()).toEqual(fieldsOf(serviceSchema).sort())
  })

  it('has every value of a field whose values differ', () => {
    for (const [field, all] of Map.groupBy(rows, ([name]) => name)) {
      const told = all.flatMap(([, value]) => value ?? [])
      if (told.length > 0) expect(told.sort()).toEqual(choices(core(serviceSchema).entries![field!]!).sort())
    }
  })

  it('has the services that use a field', () => {
    const services = {
      api: { command: 'node api.js', ready: { port: 3000 } },
      web: { command: 'web', dependsOn: ['api'], restart: 'always' },
    } as const
    const used = compareFields({ services }).filter((one) => one.services.length > 0)
    expect(used.map((one) => [one.field, one.services])).toEqual([
      ['command', ['api', 'web']],
      ['dependsOn: ready', ['web']],
      ['ready.port', ['api']],
      ['restart: always', ['web']],
    ])
  })
})

describe('a field that systemd does not support', () => {
  it.each([
    [{ command: 'api', ready: { port: 3000 } }, 'ready'],
    [{ command: 'api', oneshot: true }, 'completed'],
  ] as const)('is a dependency until "started" where systemd waits longer: %o', (api, instead) => {
    const web = { command: 'web', dependsOn: { api: 'started' } } as const
    expect(unsupported({ services: { api, web } })).toEqual([
      expect.stringMatching(new RegExp(`^services\\.web\\.dependsOn\\.api: .*use "${instead}"$`)),
    ])
    expect(unsupported({ services: { api, web: { ...web, dependsOn: { api: instead } } } })).toEqual([])
    expect(unsupported({ services: { api, web: { ...web, only: 'development' } } })).toEqual([])
  })

  it('is the restart of a oneshot that others wait for', () => {
    const assets = { command: 'assets', oneshot: true, restart: 'on-failure' } as const
    expect(unsupported({ services: { assets } })).toEqual([])
    expect(unsupported({ services: { assets, web: { command: 'web', dependsOn: ['assets'] } } })).toEqual([
      expect.stringContaining('services.assets.restart: systemd does not start "web" after its first failure'),
    ])
  })

  it('is a path that cannot be written in a directive', () => {
    const api = {
      command: 'api',
      cwd: 'api ',
      allow: { writePaths: ['/srv/a\nb', '/srv/c'] },
      credentials: { token: '/etc/token\\' },
    }
    expect(unsupported({ services: { api }, worker: { allow: { writePaths: [' '] } } })).toEqual([
      expect.stringContaining('services.api.cwd: '),
      expect.stringContaining('services.api.allow.writePaths: '),
      expect.stringContaining('services.api.credentials.token: '),
      expect.stringContaining('worker.allow.writePaths: '),
    ])
  })
})
