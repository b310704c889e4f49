import { join } from 'node:path'
import { DatabaseUnusableError, MigrationFailedError } from '../../errors.ts'
import {
  guaranteeStep,
  type MigrationFolder,
  type PlannedStep,
  pendingMigrationsIn,
  withoutStatements,
} from '../migrations.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue.ts'
import { quote } from '../sql-fragments.ts'
import { guarantees } from './guarantees.ts'
import { type InstalledGuarantee, installedGuarantees, markGuarantees } from './installed-guarantees.ts'
import { sequencesBehind } from './sequences.ts'
import type { Session } from './session.ts'

const MIGRATIONS_TABLE = `create table if not exists ops_migrations (
  source text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
  primary key (source, name)
)`

/** The pending migrations of core and the plugins, then the guarantees of each task table that exists by then. */
export async function planMigration(
  session: Session,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<MigrationStep[]> {
  const schema = await currentSchema(session)
  const migrations = await pendingMigrations(session, sources)
  const steps = [...migrations, ...(await sequencesBehind(session))]
  // A pending migration may create any of the missing tables.
  for (const queued of tables) {
    if (migrations.length > 0 || (await exists(session, queued))) {
      steps.push(...(await pendingGuarantees(session, queued, schema)))
    }
  }
  return steps.map(withoutStatements)
}

/** Performs the pending steps. The caller has a transaction open: all or nothing is kept. */
export async function migrate(
  session: Session,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<MigrationStep[]> {
  const schema = await currentSchema(session)
  // A second migration waits here, and then finds it done.
  await session.query(`select pg_advisory_xact_lock(hashtext('ops migrate'), hashtext($1))`, [schema])
  await session.query(MIGRATIONS_TABLE)
  const migrations = await pendingMigrations(session, sources)
  for (const step of migrations) await perform(session, step)
  const sequences = await sequencesBehind(session)
  for (const step of sequences) await perform(session, step)
  const done = [...migrations, ...sequences]
  for (const queued of tables) {
    // Only now: a migration may have created the table, or dropped its triggers by rebuilding it.
    if (!(await exists(session, queued))) continue
    const steps = await pendingGuarantees(session, queued, schema)
    for (const step of steps) await perform(session, step)
    const made = steps.filter(({ change }) => change !== 'drop').map(({ name }) => name)
    const wanted = guarantees(queued, schema).filter(({ name }) => made.includes(name))
    await markGuarantees(session, queued.table, wanted)
    done.push(...steps)
  }
  return done.map(withoutStatements)
}

const core: MigrationFolder = { source: 'core', folder: join(import.meta.dirname, 'migrations') }

async function pendingMigrations(session: Session, sources: readonly MigrationSource[]): Promise<PlannedStep[]> {
  const plugins = sources.map(({ name, directory }) => ({ source: name, folder: join(directory, 'postgres') }))
  const steps: PlannedStep[] = []
  for (const each of [core, ...plugins]) {
    steps.push(...pendingMigrationsIn(each, await appliedMigrations(session, each.source), 'now()'))
  }
  return steps
}

async function appliedMigrations(session: Session, source: string): Promise<Map<string, string>> {
  const [ledger] = await session.query(`select to_regclass('ops_migrations') as id`)
  if (ledger!.id === null) return new Map()
  const rows = await session.query('select name, hash from ops_migrations where source = $1', [source])
  return new Map(rows.map(({ name, hash }) => [name, hash]))
}

async function pendingGuarantees(session: Session, queued: QueuedTable, schema: string): Promise<PlannedStep[]> {
  const { name: table } = queued.table
  const wanted = guarantees(queued, schema)
  const present = await installedGuarantees(
    session,
    queued.table,
    wanted.map(({ name }) => name),
  )
  const stale = [...present.values()].filter(({ name }) => !wanted.some((guarantee) => guarantee.name === name))
  return [
    ...stale.map((each) => guaranteeStep(table, each.name, 'drop', dropStatements(each))),
    ...wanted.flatMap((guarantee) => {
      const current = present.get(guarantee.name)
      const { name, create } = guarantee
      if (current === undefined) return [guaranteeStep(table, name, 'create', create)]
      return current.isFrom(guarantee) ? [] : [guaranteeStep(table, name, 'replace', [current.drop, ...create])]
    }),
  ]
}

/** A trigger's function has the same name. */
function dropStatements({ kind, name, drop }: InstalledGuarantee): string[] {
  return kind === 'trigger' ? [drop, `drop function if exists ${quote(name)}()`] : [drop]
}

async function perform(session: Session, step: PlannedStep): Promise<void> {
  try {
    for (const statement of step.statements) await session.query(statement)
  } catch (cause) {
    throw new MigrationFailedError(step.source, step.name, cause)
  }
}

async function exists(session: Session, { table }: QueuedTable): Promise<boolean> {
  const [row] = await session.query('select to_regclass($1) as id', [quote(table.name)])
  return row!.id !== null
}

async function currentSchema(session: Session): Promise<string> {
  const [row] = await session.query('select current_schema()::text as schema')
  if (row!.schema !== null) return row!.schema
  throw new DatabaseUnusableError(session.name, 'its search_path has no existing schema', {
    suggestions: ['create the schema, or set another search_path for this user'],
  })
}
