import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Dialect, dialects } from '../task-table/create-table.ts'
import { unfilledColumns } from './described-tables.ts'
import { type DrizzleTables, loadDrizzleKit, type Snapshot } from './drizzle-kit.ts'
import type { PlannedFile } from './planned-file.ts'
import { RenameUnclearError, SnapshotMissingError, SnapshotUnreadableError } from './scaffold-errors.ts'

/** The next migration of one database. */
export interface NextMigration {
  readonly database: Dialect
  /** None when nothing has changed. */
  readonly statements: readonly string[]
  /** The migration, and what the one after it will be compared with. */
  readonly files: readonly PlannedFile[]
  /** Columns, as `table.column`, that rows which are there already have no value for. */
  readonly unfilled: readonly string[]
}

/** Task tables that the plugin makes, as Drizzle has them for each database. */
export type TablesOfPlugin = Readonly<Record<Dialect, DrizzleTables>>

/**
 * What has changed in the tables of a plugin since its last migration, for both databases.
 *
 * @param migrations the folder of the migrations, relative to the plugin
 * @param name of the migration, for its files
 */
export async function planNextMigration(
  tables: TablesOfPlugin,
  { plugin, migrations, name }: { plugin: string; migrations: string; name: string },
): Promise<NextMigration[]> {
  const kits = await loadDrizzleKit(plugin)
  const planned: NextMigration[] = []
  // One after the other: drizzle-kit may ask something.
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
      unfilled: unfilledColumns(from, to),
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
    if (/interactive prompts/i.test((cause as Error).message)) throw new RenameUnclearError(database, cause)
    throw cause
  }
}

/** drizzle-kit names the schema of a referenced table; where ops keeps its tables, a connection decides. */
function inAnySchema(statement: string): string {
  return statement.trimEnd().replaceAll('"public".', '')
}

/** What the last migration left, and the number of the next. */
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
  if (migration !== undefined) throw new SnapshotMissingError(folder, migration)
  return { last: undefined, next }
}

function readSnapshot(file: string): Snapshot {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new SnapshotUnreadableError(file, error as Error)
  }
}
