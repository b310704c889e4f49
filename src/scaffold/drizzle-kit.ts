import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Kit from 'drizzle-kit/api'
import type { Dialect } from '../task-table/create-table.ts'
import { copyOldColumns, type DescribedTables } from './described-tables.ts'
import { developedWith } from './developed-with.ts'
import { DrizzleKitMissingError, DrizzleKitUnusableError } from './scaffold-errors.ts'

/** The tables of one database as drizzle-kit describes them, which it compares. */
export interface Snapshot extends DescribedTables {
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
export async function loadDrizzleKit(plugin: string): Promise<Readonly<Record<Dialect, DrizzleKit>>> {
  const api = await importApi(plugin)
  return {
    sqlite: {
      describe: (tables, previous) => api.generateSQLiteDrizzleJson({ ...tables }, previous),
      compare: async (from, to) => copyOldColumns(await api.generateSQLiteMigration(from as never, to as never), from),
    },
    postgres: {
      describe: async (tables, previous) => api.generateDrizzleJson({ ...tables }, previous),
      compare: (from, to) => api.generateMigration(from as never, to as never),
    },
  }
}

async function importApi(plugin: string): Promise<Api> {
  const version = developedWith('drizzle-kit')
  const folder = [join(plugin, 'package.json'), import.meta.url].map(findKit).find((found) => found !== undefined)
  if (folder === undefined) throw new DrizzleKitMissingError(plugin, version)
  let api: Partial<Api>
  try {
    // Its ES module: what that imports of Drizzle is given to it by ops, as to plugins, so that none need be installed.
    api = await import(pathToFileURL(join(folder, 'api.mjs')).href)
  } catch (cause) {
    throw new DrizzleKitUnusableError((cause as Error).message, version, cause)
  }
  const { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration } = api
  if (!generateDrizzleJson || !generateMigration || !generateSQLiteDrizzleJson || !generateSQLiteMigration)
    throw new DrizzleKitUnusableError('its version does not have what ops needs of it', version)
  return { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration }
}

function findKit(from: string): string | undefined {
  try {
    return dirname(createRequire(from).resolve('drizzle-kit/api'))
  } catch {
    return undefined
  }
}
