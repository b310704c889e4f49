import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MigrationChangedError } from '../errors.ts'
import type { MigrationStep } from './queue.ts'
import { literal } from './sql-fragments.ts'

/** A step and the statements that perform it. */
export interface PlannedStep extends MigrationStep {
  readonly statements: readonly string[]
}

/** The migrations of one source for one database. */
export interface MigrationFolder {
  /** `core`, or the name of the plugin. */
  readonly source: string
  readonly folder: string
}

/**
 * The migrations that are due, in the order of their names, which drizzle-kit numbers.
 *
 * @param applied the hashes of the applied ones, by name
 * @param now the current time as an SQL expression
 * @throws MigrationChangedError if the text of an applied migration has changed
 */
export function pendingMigrationsIn(
  { source, folder }: MigrationFolder,
  applied: ReadonlyMap<string, string>,
  now: string,
): PlannedStep[] {
  return readMigrations(folder).flatMap(({ name, text }): PlannedStep[] => {
    const hash = createHash('sha256').update(text).digest('hex')
    const appliedHash = applied.get(name)
    if (appliedHash === hash) return []
    if (appliedHash !== undefined) throw new MigrationChangedError(source, name)
    const values = [...[source, name, hash].map(literal), now]
    const record = `insert into ops_migrations (source, name, hash, applied_at) values (${values.join(', ')})`
    const statements = text.split('--> statement-breakpoint').filter((statement) => statement.trim() !== '')
    return [{ kind: 'migration', source, name, change: 'create', statements: [...statements, record] }]
  })
}

function readMigrations(folder: string): { name: string; text: string }[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8') }))
}

export function guaranteeStep(
  table: string,
  name: string,
  change: MigrationStep['change'],
  statements: readonly string[],
): PlannedStep {
  return { kind: 'guarantee', source: table, name, change, statements }
}

export function withoutStatements({ statements: _, ...step }: PlannedStep): MigrationStep {
  return step
}
