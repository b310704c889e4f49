import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { planServices } from '../../src/development/plan-services.ts'
import { dependentsOf } from '../../src/development/planned-service.ts'

const plan = (config: Config, names: string[] = []) =>
  planServices({ config, directory: '/shop', worker: { command: ['node', 'ops', 'worker'] }, names })
const namesOf = (config: Config, names?: string[]) => plan(config, names).map(({ name }) => name)

describe('the services of a start', () => {
  it('are just the worker when none is configured', () => {
    expect(plan({})).toEqual([
      expect.objectContaining({
        name: 'worker',
        command: ['node', 'ops', 'worker'],
        cwd: '/shop',
        stopTimeoutMs: 615_000,
      }),
    ])
  })

  it('come after their dependencies, otherwise in the order of the configuration', () => {
    const services = {
      web: { command: 'web', dependsOn: ['api', 'assets'] },
      api: { command: 'api', dependsOn: ['cache'] },
      assets: { command: 'assets', dependsOn: ['cache'], oneshot: true },
      cache: { command: 'cache' },
    }
    expect(namesOf({ services })).toEqual(['cache', 'api', 'assets', 'web', 'worker'])
  })

  it('include dependencies when named, and the worker only if it is named too', () => {
    const services = { web: { command: 'web', dependsOn: ['api'] }, api: { command: 'api' }, mail: { command: 'mail' } }
    expect(namesOf({ services }, ['web'])).toEqual(['api', 'web'])
    expect(namesOf({ services }, ['worker', 'mail'])).toEqual(['worker', 'mail'])
  })

  it('exclude those with only: server', () => {
    expect(namesOf({ services: { proxy: { command: 'proxy', only: 'server' } } })).toEqual(['worker'])
  })

  it('cannot share a port', () => {
    const services = { api: { command: 'api', port: 3000, instances: 2 }, web: { command: 'web', port: 3001 } }
    expect(() => plan({ services })).toThrowError(
      expect.objectContaining({ message: 'Port 3001 is assigned to "api.2" and "web".', oclif: { exit: 78 } }),
    )
  })

  it('must exist: an unknown name is an error with a suggestion', () => {
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
        stopsOnSecondSignal: false,
        writesEvents: false,
        watch: [],
      },
    ])
  })

  it('waits for the strongest condition that each dependency in a plain list supports', () => {
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

  it('is ready on completion if it is a oneshot', () => {
    const services = {
      web: { command: 'web', dependsOn: { assets: 'ready' } } as const,
      assets: { command: 'assets', oneshot: true },
    }
    expect(plan({ services }, ['web'])[1]?.dependsOn).toEqual([{ name: 'assets', until: 'completed' }])
  })

  it('restarts as configured, by default on failure unless it is a oneshot', () => {
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

  it('gives each instance its own name and port, and dependents wait for all of them', () => {
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

  it('reads its envFile relative to the project, whatever its cwd', () => {
    const services = { api: { command: 'api', cwd: 'packages/api', envFile: '.env' } }
    expect(plan({ services })[0]).toMatchObject({ cwd: '/shop/packages/api', envFiles: ['/shop/.env'] })
  })
})

it('dependentsOf lists for each service those that stop before it', () => {
  const dependencies = { web: ['api', 'mail'], api: ['db'], mail: ['db'], db: [] }
  const services = Object.entries(dependencies).map(([name, on]) => ({
    name,
    dependsOn: on.map((each) => ({ name: each })),
  }))
  expect(Object.fromEntries(dependentsOf(services))).toEqual({
    web: [],
    api: ['web'],
    mail: ['web'],
    db: ['api', 'mail'],
  })
})
