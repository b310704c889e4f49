import { InvalidTaskError } from '../../errors.ts'
import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'
import type { EnqueuedTask, TaskId } from '../queue.ts'
import { instant } from './claim.ts'
import { IS_UNSETTLED, uniqueExpression } from './guarantees.ts'
import type { StatementCache } from './statement-cache.ts'
import { columnNamed, encode, quote } from './values.ts'

/**
 * Inserts rows and returns their ids. Where the table takes no second task of a kind while one is unsettled, that one is
 * returned. Inside a transaction of the caller's.
 *
 * @throws InvalidTaskError when they are for later and the table has no `run_at`
 */
export function insertTasks(
  connection: Pick<StatementCache, 'sql'>,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): EnqueuedTask[] {
  if (runAt && !columnNamed(table, 'run_at'))
    throw new InvalidTaskError(table.name, ['tasks cannot be scheduled without a column "run_at"'])
  const filled = lifecycleValues(table, runAt)
  const unique = uniqueColumns(connection, table)
  return Array.from(rows, (row) => insertTask(connection, table, row, filled, unique))
}

function insertTask(
  connection: Pick<StatementCache, 'sql'>,
  table: TaskTable,
  row: Readonly<Record<string, unknown>>,
  filled: readonly [name: string, value: unknown][],
  unique: readonly string[],
): EnqueuedTask {
  const columns = Object.keys(row).filter((key) => row[key] !== undefined)
  const values = columns.map((key) => encode(table.columns[key]!, row[key]))
  const names = columns.map((key) => table.columns[key]!.name)
  for (const [name, value] of filled) {
    names.push(name)
    values.push(value)
  }
  const statement = connection.sql(insertStatement(table.name, names, unique))
  const inserted = statement.get(...values) as { id: TaskId } | undefined
  if (inserted) return { id: inserted.id, isNew: true }
  const alike = unique.map((column) =>
    names.includes(column) ? values[names.indexOf(column)] : defaultOf(table, column),
  )
  return { id: findUnsettled(connection, table, unique, alike), isNew: false }
}

/**
 * What the index says, and not the processor: the application that inserts may not know of it. Asked each time, since a
 * migration may have changed it: the schema is small, and an insert costs a commit.
 */
function uniqueColumns(connection: Pick<StatementCache, 'sql'>, table: TaskTable): string[] {
  const sql = connection.sql('select sql from sqlite_master where name = ?').pluck().get(`ops_${table.name}_unique`)
  const columns = Object.values(table.columns).map(({ name }) => name)
  return typeof sql === 'string' ? columns.filter((name) => sql.includes(uniqueExpression(name))) : []
}

function defaultOf(table: TaskTable, name: string): unknown {
  const column = columnNamed(table, name)!
  return column.hasDefault ? encode(column, column.defaultValue) : null
}

function findUnsettled(
  connection: Pick<StatementCache, 'sql'>,
  table: TaskTable,
  columns: readonly string[],
  values: readonly unknown[],
): TaskId {
  const alike = columns.map((column) => `${uniqueExpression(column)} = ifnull('=' || ?, '')`).join(' and ')
  return connection
    .sql(`select id from ${quote(table.name)} where ${IS_UNSETTLED} and ${alike}`)
    .pluck()
    .get(...values) as TaskId
}

/** The time of scheduled tasks, and what an existing table has no defaults for. */
function lifecycleValues(table: TaskTable, runAt: Date | undefined): [name: string, value: unknown][] {
  const now = Date.now()
  const values: Record<string, (column: TaskColumn) => unknown> = {
    status: () => 'pending',
    created_at: (column) => instant(column, now),
    run_at: (column) => instant(column, runAt?.getTime() ?? now),
    attempt: () => 0,
  }
  return Object.values(table.columns).flatMap((column) => {
    const isNeeded = column.isLifecycle && (!column.hasDefault || (runAt && column.name === 'run_at'))
    const value = isNeeded ? values[column.name] : undefined
    return value ? [[column.name, value(column)]] : []
  })
}

function insertStatement(table: string, names: readonly string[], unique: readonly string[]): string {
  const into = `insert into ${quote(table)}`
  if (names.length === 0) return `${into} default values returning id`
  const conflict =
    unique.length > 0
      ? ` on conflict (${unique.map(uniqueExpression).join(', ')}) where ${IS_UNSETTLED} do nothing`
      : ''
  return `${into} (${names.map(quote).join(', ')}) values (${names.map(() => '?').join(', ')})${conflict} returning id`
}

/** Makes the changes of one transaction in somebody's name: the audit triggers look here. */
export function asActor<T>(connection: Pick<StatementCache, 'sql'>, actor: string | undefined, change: () => T): T {
  if (actor === undefined) return change()
  connection.sql('insert into ops_actor (actor) values (?)').run(actor)
  const result = change()
  connection.sql('delete from ops_actor').run()
  return result
}
