import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { configSchema } from '../../src/config/config-schema.ts'
import { compareFields, serviceParity } from '../../src/doctor/service-parity.ts'
import { unkeptFields } from '../../src/server/unkept-fields.ts'

/** As much of a schema of valibot as leads to its keys and values. */
interface Schema {
  readonly wrapped?: Schema
  readonly pipe?: readonly Schema[]
  readonly entries?: Readonly<Record<string, Schema>>
  readonly value?: Schema
  readonly options?: readonly (Schema | string)[]
}

/** What a schema wraps: optional ones, and those with further checks. */
function core(schema: Schema): Schema {
  if (schema.wrapped) return core(schema.wrapped)
  return schema.pipe?.find(({ entries, value }) => entries ?? value) ?? schema
}

function fieldsOf(schema: Schema): string[] {
  return Object.entries(core(schema).entries!).flatMap(([key, of]) =>
    core(of).entries ? fieldsOf(of).map((inner) => `${key}.${inner}`) : [key],
  )
}

/** The words that stand for a choice anywhere in a schema. */
function choices(schema: Schema): string[] {
  const { options = [], value } = core(schema)
  const inner = options.flatMap((option) => (typeof option === 'string' ? [option] : choices(option)))
  return [...inner, ...(typeof value === 'object' ? choices(value) : [])]
}

const serviceSchema = core(core(configSchema as Schema).entries!.services!).value!
const rows = Object.keys(serviceParity).map((field) => field.split(': '))
const unkept = (config: Config) => unkeptFields(config)

describe('the comparison of development and systemd', () => {
  it('has every field that the configuration takes, and no other', () => {
    expect([...new Set(rows.map(([field]) => field))].sort()).toEqual(fieldsOf(serviceSchema).sort())
  })

  it('has every value of a field whose values it tells apart', () => {
    for (const [field, all] of Map.groupBy(rows, ([name]) => name)) {
      const told = all.flatMap(([, value]) => value ?? [])
      if (told.length > 0) expect(told.sort()).toEqual(choices(core(serviceSchema).entries![field!]!).sort())
    }
  })

  it('says which services have a field', () => {
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

describe('a field that systemd cannot keep', () => {
  it.each([
    [{ command: 'api', ready: { port: 3000 } }, 'ready'],
    [{ command: 'api', oneshot: true }, 'completed'],
  ] as const)('is a "started" of what it waits longer for: %o', (api, instead) => {
    const web = { command: 'web', dependsOn: { api: 'started' } } as const
    expect(unkept({ services: { api, web } })).toEqual([
      expect.stringMatching(new RegExp(`^services\\.web\\.dependsOn\\.api: .*say "${instead}"$`)),
    ])
    expect(unkept({ services: { api, web: { ...web, dependsOn: { api: instead } } } })).toEqual([])
    expect(unkept({ services: { api, web: { ...web, only: 'development' } } })).toEqual([])
  })

  it('is the further try of a oneshot that others wait for', () => {
    const assets = { command: 'assets', oneshot: true, restart: 'on-failure' } as const
    expect(unkept({ services: { assets } })).toEqual([])
    expect(unkept({ services: { assets, web: { command: 'web', dependsOn: ['assets'] } } })).toEqual([
      expect.stringContaining('services.assets.restart: systemd gives up "web" at its first failure'),
    ])
  })

  it('is a path that no directive can hold', () => {
    const api = {
      command: 'api',
      cwd: 'api ',
      allow: { writePaths: ['/srv/a\nb', '/srv/c'] },
      credentials: { token: '/etc/token\\' },
    }
    expect(unkept({ services: { api }, worker: { allow: { writePaths: [' '] } } })).toEqual([
      expect.stringContaining('services.api.cwd: '),
      expect.stringContaining('services.api.allow.writePaths: '),
      expect.stringContaining('services.api.credentials.token: '),
      expect.stringContaining('worker.allow.writePaths: '),
    ])
  })
})
