import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OpsError } from '../errors.ts'
import { formatSystemError } from '../format.ts'
import { type Dialect, dialects } from '../task-table/create-table.ts'
import { type DrizzleTables, loadDrizzleKit, type Snapshot } from './drizzle-kit.ts'
import type { PlannedFile } from './plugin-files.ts'

/** The next migration of one database. */
export interface NextMigration {
  readonly database: Dialect
  /** Empty if nothing has changed. */
  readonly statements: readonly string[]
  /** The migration, and the snapshot that the next one is compared with. */
  readonly files: readonly PlannedFile[]
  /** New columns, as `table.column`, for which existing rows have no value. */
  readonly columnsWithoutValue: readonly string[]
}

/** The task tables of the plugin, as Drizzle has them for each database. */
export type TablesOfPlugin = Readonly<Record<Dialect, DrizzleTables>>

/**
 * Compares the tables of a plugin with its last migration, for both databases.
 *
 * @param migrations the folder of the migrations, relative to the plugin
 * @param name of the migration, in its file names
 */
export async function planNextMigration(
  tables: TablesOfPlugin,
  { plugin, migrations, name }: { plugin: string; migrations: string; name: string },
): Promise<NextMigration[]> {
  const kits = await loadDrizzleKit(plugin)
  const planned: NextMigration[] = []
  // One after the other: drizzle-kit may ask a question.
  for (const database of dialects) {
    const kit = kits[database]
    const folder = join(migrations, database)
    const { last, next } = history(join(plugin, folder))
    const from = last ?? (await kit.describe({}))
    const to = await kit.describe(tables[database], from.id)
    const statements = await changes(database, () => kit.compare(from, to))
    const files = [
      { path: join(folder, `${next}_${name}.sql`), text: migrationText(statements) },
      { path: join(folder, 'meta', `${next}_snapshot.json`), text: snapshotText(to) },
    ]
    planned.push({
      database,
      statements,
      files: statements.length === 0 ? [] : files,
      columnsWithoutValue: columnsWithoutValue(from, to),
    })
  }
  return planned
}

export function migrationText(statements: readonly string[]): string {
  return statements.join('\n--> statement-breakpoint\n')
}

export function snapshotText(snapshot: object): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`
}

async function changes(database: Dialect, compare: () => Promise<string[]>): Promise<string[]> {
  try {
    return (await compare()).map(inAnySchema)
  } catch (cause) {
    if (/interactive prompts/i.test((cause as Error).message)) throw renameUnclear(database, cause)
    throw cause
  }
}

/** drizzle-kit names the schema of a referenced table, but the connection decides where ops keeps its tables. */
function inAnySchema(statement: string): string {
  return statement.trimEnd().replaceAll('"public".', '')
}

/** The tables after the last migration, and the number of the next. */
function history(folder: string): { last: Snapshot | undefined; next: string } {
  const meta = join(folder, 'meta')
  const lastOf = (from: string, ending: string) =>
    (existsSync(from) ? readdirSync(from) : [])
      .filter((name) => /^\d+_/.test(name) && name.endsWith(ending))
      .sort()
      .at(-1)
  const migration = lastOf(folder, '.sql')
  const snapshot = lastOf(meta, '_snapshot.json')
  const next = String(migration === undefined ? 0 : Number.parseInt(migration, 10) + 1).padStart(4, '0')
  if (snapshot !== undefined) return { last: readSnapshot(join(meta, snapshot)), next }
  // Without it, the next migration would create the tables again.
  if (migration !== undefined)
    throw new OpsError(
      'SNAPSHOT_MISSING',
      `${folder} has the migration ${migration} but no meta/*_snapshot.json to compare with.`,
      { suggestions: ['restore the folder meta from the repository'] },
    )
  return { last: undefined, next }
}

function readSnapshot(file: string): Snapshot {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new OpsError('SNAPSHOT_UNREADABLE', `Cannot read ${file}: ${formatSystemError(error)}.`, {
      cause: error,
      suggestions: ['restore it from the repository'],
    })
  }
}

/** drizzle-kit asks whether a new column is a renamed one. */
function renameUnclear(database: string, cause: unknown): OpsError {
  return new OpsError(
    'RENAME_UNCLEAR',
    `Columns were both added and removed, and for ${database} drizzle-kit asks whether they were renamed, which needs a terminal. Nothing was written.`,
    {
      cause,
      suggestions: ['run this in a terminal', 'generate two migrations: add columns first, then remove columns'],
    },
  )
}

function columnsWithoutValue(from: Snapshot, to: Snapshot): string[] {
  return Object.entries(to.tables).flatMap(([key, { name: table, columns }]) => {
    const old = from.tables[key]
    if (!old) return []
    return Object.entries(columns)
      .filter(([name, column]) => !(name in old.columns) && column.notNull && column.default === undefined)
      .map(([name]) => `${table}.${name}`)
  })
}
