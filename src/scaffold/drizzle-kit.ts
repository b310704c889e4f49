import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as Kit from 'drizzle-kit/api'
import type { Dialect } from '../task-table/create-table.ts'
import { developedWith } from './developed-with.ts'
import { DrizzleKitMissingError, DrizzleKitUnusableError } from './scaffold-errors.ts'

/** The tables of one database as drizzle-kit describes them, which it compares. */
export interface Snapshot {
  readonly id: string
}

/** Drizzle tables by the names of their constants. */
export type DrizzleTables = Readonly<Record<string, unknown>>

export interface DrizzleKit {
  describe(tables: DrizzleTables, previous?: string): Promise<Snapshot>
  /** The statements that make the one of the other. */
  compare(from: Snapshot, to: Snapshot): Promise<string[]>
}

type Api = Pick<
  typeof Kit,
  'generateDrizzleJson' | 'generateMigration' | 'generateSQLiteDrizzleJson' | 'generateSQLiteMigration'
>

/**
 * The drizzle-kit that a plugin brings, or that of a checkout of ops. Not its command line: that loads the tables as
 * CommonJS, and cannot follow the imports of ops.
 *
 * @throws DrizzleKitMissingError, DrizzleKitUnusableError
 */
export function loadDrizzleKit(plugin: string): Readonly<Record<Dialect, DrizzleKit>> {
  const api = requireApi(plugin)
  return {
    sqlite: {
      describe: (tables, previous) => api.generateSQLiteDrizzleJson({ ...tables }, previous),
      compare: (from, to) => api.generateSQLiteMigration(from as never, to as never),
    },
    postgres: {
      describe: async (tables, previous) => api.generateDrizzleJson({ ...tables }, previous),
      compare: (from, to) => api.generateMigration(from as never, to as never),
    },
  }
}

function requireApi(plugin: string): Api {
  const version = developedWith('drizzle-kit')
  const require = [join(plugin, 'package.json'), import.meta.url].map((from) => createRequire(from)).find(hasKit)
  if (!require) throw new DrizzleKitMissingError(plugin, version)
  let api: Partial<Api>
  try {
    api = require('drizzle-kit/api')
  } catch (cause) {
    throw new DrizzleKitUnusableError((cause as Error).message, version, cause)
  }
  const { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration } = api
  if (!generateDrizzleJson || !generateMigration || !generateSQLiteDrizzleJson || !generateSQLiteMigration)
    throw new DrizzleKitUnusableError('its version does not have what ops needs of it', version)
  return { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration }
}

function hasKit(require: NodeJS.Require): boolean {
  try {
    return require.resolve('drizzle-kit/api') !== ''
  } catch {
    return false
  }
}
