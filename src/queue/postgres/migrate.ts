import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseUnusableError, MigrationChangedError, MigrationFailedError } from '../../errors.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue.ts'
import { guarantees } from './guarantees.ts'
import { type InstalledGuarantee, installedGuarantees, markGuarantees } from './installed-guarantees.ts'
import type { Session } from './session.ts'
import { literal, quote } from './values.ts'

/** A step and the statements that perform it. */
interface PlannedStep extends MigrationStep {
  readonly statements: readonly string[]
}

const LEDGER = `create table if not exists ops_migrations (
  source text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
  primary key (source, name)
)`

/** What is due: core's migrations, the plugins', then the guarantees of each task table that exists by then. */
export async function planMigration(
  session: Session,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<MigrationStep[]> {
  const schema = await currentSchema(session)
  const migrations = await allPendingMigrations(session, sources)
  const steps = [...migrations]
  // Without migrations no table comes that is missing now; with them each one may, since they are not read for that.
  for (const queued of tables) {
    if (migrations.length > 0 || (await isThere(session, queued))) {
      steps.push(...(await pendingGuarantees(session, queued, schema)))
    }
  }
  return steps.map(withoutStatements)
}

function withoutStatements({ statements: _, ...step }: PlannedStep): MigrationStep {
  return step
}

/** Applies what is due. Inside a transaction of the caller's: all of it is kept, or nothing. */
export async function migrate(
  session: Session,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<MigrationStep[]> {
  const schema = await currentSchema(session)
  // Whoever migrates at the same time waits here, and then finds it done.
  await session.query(`select pg_advisory_xact_lock(hashtext('ops migrate'), hashtext($1))`, [schema])
  await session.query(LEDGER)
  const migrations = await allPendingMigrations(session, sources)
  for (const step of migrations) await perform(session, step)
  const done = [...migrations]
  for (const queued of tables) {
    // Looked at only now, since a migration may have made the table, or taken its triggers along when it made it anew.
    if (!(await isThere(session, queued))) continue
    const steps = await pendingGuarantees(session, queued, schema)
    for (const step of steps) await perform(session, step)
    const made = steps.filter(({ change }) => change !== 'drop').map(({ name }) => name)
    const wanted = guarantees(queued, schema).filter(({ name }) => made.includes(name))
    await markGuarantees(session, queued.table, wanted)
    done.push(...steps)
  }
  return done.map(withoutStatements)
}

const coreSource: MigrationSource = { name: 'core', directory: join(import.meta.dirname, 'migrations') }

async function allPendingMigrations(session: Session, sources: readonly MigrationSource[]): Promise<PlannedStep[]> {
  const steps: PlannedStep[] = []
  for (const source of [coreSource, ...sources]) steps.push(...(await pendingMigrations(session, source)))
  return steps
}

async function pendingMigrations(session: Session, source: MigrationSource): Promise<PlannedStep[]> {
  const applied = await appliedMigrations(session, source.name)
  return readMigrations(source).flatMap(({ name, text }): PlannedStep[] => {
    const hash = createHash('sha256').update(text).digest('hex')
    const before = applied.get(name)
    if (before === hash) return []
    if (before !== undefined) throw new MigrationChangedError(source.name, name)
    const record = `insert into ops_migrations values (${[source.name, name, hash].map(literal).join(', ')})`
    const statements = text.split('--> statement-breakpoint').filter((statement) => statement.trim() !== '')
    return [{ kind: 'migration', source: source.name, name, change: 'create', statements: [...statements, record] }]
  })
}

async function appliedMigrations(session: Session, source: string): Promise<Map<string, string>> {
  const [ledger] = await session.query(`select to_regclass('ops_migrations') as id`)
  if (ledger!.id === null) return new Map()
  const rows = await session.query('select name, hash from ops_migrations where source = $1', [source])
  return new Map(rows.map(({ name, hash }) => [name, hash]))
}

/** The migrations of a source, in the order of their names, which drizzle-kit numbers. */
function readMigrations({ name, directory }: MigrationSource): { name: string; text: string }[] {
  const folder = name === 'core' ? directory : join(directory, 'postgres')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8') }))
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
    ...stale.map((each) => guaranteeStep(table, each.name, 'drop', dropWhole(each))),
    ...wanted.flatMap((guarantee) => {
      const before = present.get(guarantee.name)
      const { name, create } = guarantee
      if (before === undefined) return [guaranteeStep(table, name, 'create', create)]
      return before.isFrom(guarantee) ? [] : [guaranteeStep(table, name, 'replace', [before.drop, ...create])]
    }),
  ]
}

/** With the function of a trigger, which has the same name. */
function dropWhole({ kind, name, drop }: InstalledGuarantee): string[] {
  return kind === 'trigger' ? [drop, `drop function if exists ${quote(name)}()`] : [drop]
}

function guaranteeStep(
  source: string,
  name: string,
  change: MigrationStep['change'],
  statements: readonly string[],
): PlannedStep {
  return { kind: 'guarantee', source, name, change, statements }
}

async function perform(session: Session, step: PlannedStep): Promise<void> {
  try {
    for (const statement of step.statements) await session.query(statement)
  } catch (cause) {
    throw new MigrationFailedError(step.source, step.name, cause)
  }
}

async function isThere(session: Session, { table }: QueuedTable): Promise<boolean> {
  const [row] = await session.query('select to_regclass($1) as id', [quote(table.name)])
  return row!.id !== null
}

async function currentSchema(session: Session): Promise<string> {
  const [row] = await session.query('select current_schema()::text as schema')
  if (row!.schema !== null) return row!.schema
  throw new DatabaseUnusableError(session.name, 'its search_path names no schema that exists', {
    suggestions: ['create the schema, or set another search_path for this user'],
  })
}
