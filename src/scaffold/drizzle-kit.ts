import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Kit from 'drizzle-kit/api'
import { OpsError } from '../errors.ts'
import type { Dialect } from '../task-table/create-table.ts'
import { toolVersion } from './ops-package.ts'

/** drizzle-kit's description of the tables of one database. */
export interface Snapshot {
  readonly id: string
  readonly tables: Readonly<Record<string, SnapshotTable>>
}

interface SnapshotTable {
  readonly name: string
  readonly columns: Readonly<Record<string, SnapshotColumn>>
}

interface SnapshotColumn {
  readonly notNull: boolean
  readonly default?: unknown
}

/** Drizzle tables by name. */
export type DrizzleTables = Readonly<Record<string, unknown>>

export interface DrizzleKit {
  describe(tables: DrizzleTables, previous?: string): Promise<Snapshot>
  /** The statements that turn one into the other. */
  compare(from: Snapshot, to: Snapshot): Promise<string[]>
}

type Api = Pick<
  typeof Kit,
  'generateDrizzleJson' | 'generateMigration' | 'generateSQLiteDrizzleJson' | 'generateSQLiteMigration'
>

/**
 * Loads the drizzle-kit of a plugin, or that of a checkout of ops. Not its command line, which loads tables as CommonJS
 * and cannot follow the imports of ops.
 *
 * @throws OpsError with the code DRIZZLE_KIT_MISSING or DRIZZLE_KIT_UNUSABLE
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
  const install = `npm install --save-dev drizzle-kit@${toolVersion('drizzle-kit')}`
  const unusable = (problem: string, cause?: unknown) =>
    new OpsError('DRIZZLE_KIT_UNUSABLE', `Cannot use drizzle-kit: ${problem}.`, {
      cause,
      suggestions: [`install the version that ops supports: ${install}`],
    })
  const folder = [join(plugin, 'package.json'), import.meta.url].map(findKit).find((found) => found !== undefined)
  if (folder === undefined)
    throw new OpsError(
      'DRIZZLE_KIT_MISSING',
      `drizzle-kit, which generates migrations, is not installed in ${plugin}.`,
      { suggestions: [install] },
    )
  let api: Partial<Api>
  try {
    // As an ES module it gets the Drizzle of ops, as plugins do, so that none needs to be installed.
    api = await import(pathToFileURL(join(folder, 'api.mjs')).href)
  } catch (cause) {
    throw unusable((cause as Error).message, cause)
  }
  const { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration } = api
  if (!generateDrizzleJson || !generateMigration || !generateSQLiteDrizzleJson || !generateSQLiteMigration)
    throw unusable('this version is not supported')
  return { generateDrizzleJson, generateMigration, generateSQLiteDrizzleJson, generateSQLiteMigration }
}

function findKit(from: string): string | undefined {
  try {
    return dirname(createRequire(from).resolve('drizzle-kit/api'))
  } catch {
    return undefined
  }
}

/**
 * If SQLite cannot alter a table, drizzle-kit creates it again and copies the rows, including columns that the old table
 * does not have. Drops those from the copy: they get their default.
 */
function copyOldColumns(statements: readonly string[], from: Pick<Snapshot, 'tables'>): string[] {
  const columns = new Map(
    Object.entries(from.tables).map(([table, described]) => [table, new Set(Object.keys(described.columns))]),
  )
  return statements.map((statement) => {
    const renamed = /^ALTER TABLE `(\w+)` RENAME COLUMN [`"](\w+)[`"] TO [`"](\w+)[`"]/i.exec(statement)
    if (renamed) columns.get(renamed[1]!)?.add(renamed[3]!)
    const added = /^ALTER TABLE `(\w+)` ADD (?:COLUMN )?[`"](\w+)[`"]/i.exec(statement)
    if (added) columns.get(added[1]!)?.add(added[2]!)
    const copy = /^INSERT INTO `(\w+)`\(([^)]*)\) SELECT ([^)]*) FROM `(\w+)`;$/i.exec(statement)
    const old = copy && columns.get(copy[4]!)
    if (!old) return statement
    const kept = copy[3]!.split(', ').filter((column) => old.has(column.replaceAll('"', '')))
    return `INSERT INTO \`${copy[1]}\`(${kept.join(', ')}) SELECT ${kept.join(', ')} FROM \`${copy[4]}\`;`
  })
}
