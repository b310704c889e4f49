import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { planServices } from '../../src/development/plan-services.ts'

const plan = (config: Config, names: string[] = []) =>
  planServices({ config, directory: '/shop', worker: { command: ['node', 'ops', 'worker'] }, names })
const namesOf = (config: Config, names?: string[]) => plan(config, names).map(({ name }) => name)

describe('the services of a start', () => {
  it('are the worker alone where the configuration has none', () => {
    expect(plan({})).toEqual([
      expect.objectContaining({
        name: 'worker',
        command: ['node', 'ops', 'worker'],
        cwd: '/shop',
        stopTimeoutMs: 615_000,
      }),
    ])
  })

  it('come behind those that they depend on, otherwise in the order of the configuration', () => {
    const services = {
      web: { command: 'web', dependsOn: ['api', 'assets'] },
      api: { command: 'api', dependsOn: ['cache'] },
      assets: { command: 'assets', oneshot: true },
      cache: { command: 'cache' },
    }
    expect(namesOf({ services })).toEqual(['cache', 'api', 'assets', 'web', 'worker'])
  })

  it('are, by name, these with all that they depend on, and the worker only when it is named', () => {
    const services = { web: { command: 'web', dependsOn: ['api'] }, api: { command: 'api' }, mail: { command: 'mail' } }
    expect(namesOf({ services }, ['web'])).toEqual(['api', 'web'])
    expect(namesOf({ services }, ['worker', 'mail'])).toEqual(['worker', 'mail'])
  })

  it('leave out what runs on the server only', () => {
    expect(namesOf({ services: { proxy: { command: 'proxy', only: 'server' } } })).toEqual(['worker'])
  })

  it('are refused where two of them would have one port', () => {
    const services = { api: { command: 'api', port: 3000, instances: 2 }, web: { command: 'web', port: 3001 } }
    expect(() => plan({ services })).toThrowError(
      expect.objectContaining({ message: 'Only one of "api.2" and "web" can have port 3001.', oclif: { exit: 78 } }),
    )
  })

  it('are refused by a name that does not exist, with the one that was meant', () => {
    expect(() => plan({ services: { api: { command: 'api' } } }, ['apo'])).toThrowError(
      expect.objectContaining({
        message: 'Unknown service "apo". Did you mean "api"?',
        suggestions: ['use one of: api, worker'],
        oclif: { exit: 2 },
      }),
    )
  })
})

describe('a planned service', () => {
  it('has every default filled in', () => {
    expect(plan({ services: { api: { command: 'api' } } }, ['api'])).toEqual([
      {
        name: 'api',
        command: 'api',
        cwd: '/shop',
        env: {},
        envFiles: [],
        port: undefined,
        dependsOn: [],
        probe: undefined,
        oneshot: false,
        restart: 'on-failure',
        stopSignal: 'SIGTERM',
        stopTimeoutMs: 10_000,
        yieldsWhenAskedTwice: false,
        writesEvents: false,
        watch: [],
      },
    ])
  })

  it('waits for as much as a dependency in a list can tell of itself', () => {
    const services = {
      web: { command: 'web', dependsOn: ['api', 'assets', 'mail'] },
      api: { command: 'api', ready: { log: 'up' } },
      assets: { command: 'assets', oneshot: true },
      mail: { command: 'mail' },
    }
    expect(plan({ services }).find(({ name }) => name === 'web')?.dependsOn).toEqual([
      { name: 'api', until: 'ready' },
      { name: 'assets', until: 'completed' },
      { name: 'mail', until: 'started' },
    ])
  })

  it('takes a oneshot for ready when it has done what it is for', () => {
    const services = {
      web: { command: 'web', dependsOn: { assets: 'ready' } } as const,
      assets: { command: 'assets', oneshot: true },
    }
    expect(plan({ services }, ['web'])[1]?.dependsOn).toEqual([{ name: 'assets', until: 'completed' }])
  })

  it('is tried again as it says, and without a word where it is no oneshot', () => {
    const services = {
      api: { command: 'api' },
      assets: { command: 'assets', oneshot: true },
      seed: { command: 'seed', oneshot: true, restart: 'on-failure' } as const,
    }
    expect(plan({ services }).map(({ name, restart }) => [name, restart])).toEqual([
      ['api', 'on-failure'],
      ['assets', 'never'],
      ['seed', 'on-failure'],
      ['worker', 'on-failure'],
    ])
  })

  it('has a name and a port of its own in each instance, and is depended on in all of them', () => {
    const services = {
      api: { command: 'api', instances: 2, port: 3000, ready: { http: '/health' } },
      web: { command: 'web', dependsOn: { api: 'started' } } as const,
    }
    const [first, second, web] = plan({ services }, ['web'])
    expect(first).toMatchObject({
      name: 'api.1',
      port: 3000,
      probe: { kind: 'http', url: 'http://localhost:3000/health' },
    })
    expect(second).toMatchObject({ name: 'api.2', port: 3001, probe: { url: 'http://localhost:3001/health' } })
    expect(web?.dependsOn.map(({ name }) => name)).toEqual(['api.1', 'api.2'])
  })

  it('reads its files from the project, wherever it runs itself', () => {
    const services = { api: { command: 'api', cwd: 'packages/api', envFile: '.env' } }
    expect(plan({ services })[0]).toMatchObject({ cwd: '/shop/packages/api', envFiles: ['/shop/.env'] })
  })
})
