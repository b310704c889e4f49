import type { Config } from '../../src/config/config.ts'
import { planServices } from '../../src/development/plan-services.ts'
import type { ServerService, ServerSetup } from '../../src/server/server-setup.ts'

const allowed = { allow: {}, credentials: {} }

/** A project as it would be on a server, with services as a configuration describes them. */
export function serverSetup(services: NonNullable<Config['services']> = {}, changes: Partial<ServerSetup> = {}) {
  const config = { services }
  const planned = planServices({ config, directory: '/srv/shop', worker: { command: ['worker'] }, names: [] })
  return {
    project: 'shop',
    version: '0.1.0',
    scope: 'system',
    directory: '/srv/shop',
    node: process.execPath,
    ops: '/usr/lib/node_modules/@ops-cli/core/bin/run.js',
    homePaths: [],
    pluginRoots: [],
    user: 'shop',
    places: {
      units: '/etc/systemd/system',
      settings: '/etc/ops/shop',
      state: '/var/lib/shop',
      cache: '/var/cache/shop',
    },
    services: planned
      .filter(({ name }) => name !== 'worker')
      .map(
        (service): ServerService => ({
          planned: service,
          argv: [process.execPath, 'server.js'],
          isWrapped: false,
          restart: service.oneshot ? 'no' : 'always',
          environment: service.env,
          allow: services[service.name.split('.')[0]!]!.allow ?? {},
          credentials: {},
        }),
      ),
    worker: {
      instances: 1,
      settings: 'one',
      environment: { OPS_CONFIG: '/srv/shop/ops.config.ts', OPS_DATABASE_URL: 'sqlite:/var/lib/shop/ops.db' },
      ...allowed,
    },
    ...changes,
  } satisfies ServerSetup as ServerSetup
}
