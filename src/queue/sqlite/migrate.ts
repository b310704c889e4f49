import { join } from 'node:path'
import Database from 'better-sqlite3'
import { DatabaseUnusableError, MigrationFailedError } from '../../errors.ts'
import { SQLITE_NOW } from '../../task-table/lifecycle.ts'
import {
  guaranteeStep,
  type MigrationFolder,
  type PlannedStep,
  pendingMigrationsIn,
  withoutStatements,
} from '../migrations.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue.ts'
import { quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { guarantees } from './guarantees.ts'
import type { SqliteDatabase } from './open-database.ts'
import { replacingIndexes } from './replacing.ts'

const MIGRATIONS_TABLE = `create table if not exists ops_migrations (
  source text not null, name text not null, hash text not null, applied_at integer not null, primary key (source, name)
) strict, without rowid`

/** The pending migrations of core and the plugins, then the guarantees of each task table that exists by then. */
export function planMigration(
  database: SqliteDatabase,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): MigrationStep[] {
  const migrations = pendingMigrations(database, sources)
  // A pending migration may create any of the missing tables.
  const later = migrations.length > 0 ? tables : tables.filter((queued) => exists(database, queued))
  return [...migrations, ...later.flatMap((queued) => pendingGuarantees(database, queued))].map(withoutStatements)
}

/** The same for a file that does not exist yet. */
export function planNewDatabase(
  path: string,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): MigrationStep[] {
  const steps = planMigration(new Database(':memory:'), sources, tables)
  return [{ kind: 'create_database', source: 'core', name: path, change: 'create' }, ...steps]
}

/**
 * Performs the pending steps in one transaction, all or nothing.
 *
 * @param hasMigrations whether there are others than those of guarantees
 */
export async function migrate(
  { database, lock, wakeUp }: Connection,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
  hasMigrations: boolean,
): Promise<MigrationStep[]> {
  // SQLite ignores this inside a transaction, and drizzle-kit rebuilds tables with foreign keys off.
  if (hasMigrations) database.pragma('foreign_keys = OFF')
  try {
    return await lock.writeUntilStop(() => apply(database, sources, tables))
  } finally {
    database.pragma('foreign_keys = ON')
    wakeUp.signal()
  }
}

function apply(
  database: SqliteDatabase,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): MigrationStep[] {
  database.exec(MIGRATIONS_TABLE)
  const migrations = pendingMigrations(database, sources)
  for (const step of migrations) perform(database, step)
  // Only now: a migration may have created the table, or dropped its triggers by rebuilding it.
  const later = tables
    .filter((queued) => exists(database, queued))
    .flatMap((queued) => pendingGuarantees(database, queued))
  for (const step of later) perform(database, step)
  const broken = migrations.length > 0 ? (database.pragma('foreign_key_check') as unknown[]) : []
  if (broken.length > 0) {
    throw new DatabaseUnusableError(
      database.name,
      `rows with broken references after this migration: ${broken.length}`,
      {
        suggestions: ['fix these rows, then run ops migrate again'],
      },
    )
  }
  return [...migrations, ...later].map(withoutStatements)
}

const core: MigrationFolder = { source: 'core', folder: join(import.meta.dirname, 'migrations') }

function pendingMigrations(database: SqliteDatabase, sources: readonly MigrationSource[]): PlannedStep[] {
  const plugins = sources.map(({ name, directory }) => ({ source: name, folder: join(directory, 'sqlite') }))
  return [core, ...plugins].flatMap((each) =>
    pendingMigrationsIn(each, appliedMigrations(database, each.source), SQLITE_NOW),
  )
}

function appliedMigrations(database: SqliteDatabase, source: string): Map<string, string> {
  if (!objectSql(database, 'ops_migrations')) return new Map()
  const rows = database.prepare('select name, hash from ops_migrations where source = ?').all(source)
  return new Map((rows as { name: string; hash: string }[]).map(({ name, hash }) => [name, hash]))
}

function pendingGuarantees(database: SqliteDatabase, queued: QueuedTable): PlannedStep[] {
  const { name: table } = queued.table
  const wanted = guarantees(queued, replacingIndexes(database, queued))
  const present = installedGuarantees(database, table)
  const stale = [...present.keys()].filter((name) => !wanted.some((guarantee) => guarantee.name === name))
  return [
    ...stale.map((name) => guaranteeStep(table, name, 'drop', [drop(present.get(name)!, name)])),
    ...wanted.flatMap(({ name, sql }) => {
      const current = present.get(name)
      if (current === undefined) return [guaranteeStep(table, name, 'create', [sql])]
      return current === sql ? [] : [guaranteeStep(table, name, 'replace', [drop(current, name), sql])]
    }),
  ]
}

/** The indexes and triggers of ops on a table, by name: only their names start with `ops_`. */
function installedGuarantees(database: SqliteDatabase, table: string): Map<string, string> {
  const rows = database
    .prepare(
      `select name, sql from sqlite_master where tbl_name = ? and type in ('index', 'trigger') and name glob 'ops_*'`,
    )
    .all(table) as { name: string; sql: string }[]
  return new Map(rows.map(({ name, sql }) => [name, sql]))
}

function drop(sql: string, name: string): string {
  return `DROP ${/^create trigger/i.test(sql) ? 'TRIGGER' : 'INDEX'} ${quote(name)}`
}

function perform(database: SqliteDatabase, step: PlannedStep): void {
  try {
    for (const statement of step.statements) database.exec(statement)
  } catch (cause) {
    throw new MigrationFailedError(step.source, step.name, cause)
  }
}

function exists(database: SqliteDatabase, { table }: QueuedTable): boolean {
  return objectSql(database, table.name) !== undefined
}

function objectSql(database: SqliteDatabase, name: string): string | undefined {
  return database.prepare('select sql from sqlite_master where name = ?').pluck().get(name) as string | undefined
}
