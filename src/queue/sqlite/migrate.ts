import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseUnusableError, MigrationChangedError, MigrationFailedError } from '../../errors.ts'
import { SQLITE_NOW } from '../../task-table/lifecycle.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue.ts'
import type { Connection } from './connection.ts'
import { guarantees } from './guarantees.ts'
import type { SqliteDatabase } from './open-database.ts'
import { literal, quote } from './values.ts'

/** A step and the statements that perform it. */
interface PlannedStep extends MigrationStep {
  readonly statements: readonly string[]
}

const LEDGER = `create table if not exists ops_migrations (
  source text not null, name text not null, hash text not null, applied_at integer not null, primary key (source, name)
) strict, without rowid`

/** What is due: core's migrations, the plugins', then the guarantees of each task table that exists by then. */
export function planMigration(
  database: SqliteDatabase,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): MigrationStep[] {
  const migrations = [coreSource, ...sources].flatMap((source) => pendingMigrations(database, source))
  // Without migrations no table comes that is missing now; with them each one may, since they are not read for that.
  const later = migrations.length > 0 ? tables : tables.filter((queued) => isThere(database, queued))
  return [...migrations, ...later.flatMap((queued) => pendingGuarantees(database, queued))].map(withoutStatements)
}

function withoutStatements({ statements: _, ...step }: PlannedStep): MigrationStep {
  return step
}

/** Applies what is due in one transaction: all of it is kept, or nothing. */
export async function migrate(
  { database, lock, wakeUp }: Connection,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<MigrationStep[]> {
  // Inside a transaction SQLite ignores this, and drizzle-kit makes tables anew with their references off.
  database.pragma('foreign_keys = OFF')
  try {
    return await lock.write(() => apply(database, sources, tables))
  } finally {
    database.pragma('foreign_keys = ON')
    wakeUp.ring()
  }
}

function apply(
  database: SqliteDatabase,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): MigrationStep[] {
  database.exec(LEDGER)
  const migrations = [coreSource, ...sources].flatMap((source) => pendingMigrations(database, source))
  for (const step of migrations) perform(database, step)
  // Rendered only now, since a migration may have made the table, or taken its triggers along when it made it anew.
  const later = tables
    .filter((queued) => isThere(database, queued))
    .flatMap((queued) => pendingGuarantees(database, queued))
  for (const step of later) perform(database, step)
  const broken = database.pragma('foreign_key_check') as unknown[]
  if (broken.length > 0) {
    throw new DatabaseUnusableError(database.name, `${broken.length} rows would reference rows that do not exist`, {
      suggestions: ['mend those rows, then migrate again'],
    })
  }
  return [...migrations, ...later].map(withoutStatements)
}

const coreSource: MigrationSource = { name: 'core', directory: join(import.meta.dirname, 'migrations') }

function pendingMigrations(database: SqliteDatabase, source: MigrationSource): PlannedStep[] {
  const applied = appliedMigrations(database, source.name)
  return readMigrations(source).flatMap(({ name, text }): PlannedStep[] => {
    const hash = createHash('sha256').update(text).digest('hex')
    const before = applied.get(name)
    if (before === hash) return []
    if (before !== undefined) throw new MigrationChangedError(source.name, name)
    const record = `insert into ops_migrations values (${literal(source.name)}, ${literal(name)}, ${literal(hash)}, ${SQLITE_NOW})`
    const statements = text.split('--> statement-breakpoint').filter((statement) => statement.trim() !== '')
    return [{ kind: 'migration', source: source.name, name, change: 'create', statements: [...statements, record] }]
  })
}

function appliedMigrations(database: SqliteDatabase, source: string): Map<string, string> {
  if (!objectSql(database, 'ops_migrations')) return new Map()
  const rows = database.prepare('select name, hash from ops_migrations where source = ?').all(source)
  return new Map((rows as { name: string; hash: string }[]).map(({ name, hash }) => [name, hash]))
}

/** The migrations of a source, in the order of their names, which drizzle-kit numbers. */
function readMigrations({ name, directory }: MigrationSource): { name: string; text: string }[] {
  const folder = name === 'core' ? directory : join(directory, 'sqlite')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8') }))
}

function pendingGuarantees(database: SqliteDatabase, queued: QueuedTable): PlannedStep[] {
  const { name: table } = queued.table
  const wanted = guarantees(queued)
  const present = objectsOf(database, table)
  const stale = [...present.keys()].filter((name) => !wanted.some((guarantee) => guarantee.name === name))
  return [
    ...stale.map((name) => guaranteeStep(table, name, 'drop', [drop(present.get(name)!, name)])),
    ...wanted.flatMap(({ name, sql }) => {
      const before = present.get(name)
      if (before === undefined) return [guaranteeStep(table, name, 'create', [sql])]
      return before === sql ? [] : [guaranteeStep(table, name, 'replace', [drop(before, name), sql])]
    }),
  ]
}

function guaranteeStep(
  source: string,
  name: string,
  change: MigrationStep['change'],
  statements: readonly string[],
): PlannedStep {
  return { kind: 'guarantee', source, name, change, statements }
}

/** What ops has put on a table, by name. The names begin with the table's, and nobody else's do. */
function objectsOf(database: SqliteDatabase, table: string): Map<string, string> {
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

function isThere(database: SqliteDatabase, { table }: QueuedTable): boolean {
  return objectSql(database, table.name) !== undefined
}

function objectSql(database: SqliteDatabase, name: string): string | undefined {
  return database.prepare('select sql from sqlite_master where name = ?').pluck().get(name) as string | undefined
}
