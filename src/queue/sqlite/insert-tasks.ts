import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { lifecycleValues } from '../lifecycle-values.ts'
import type { EnqueuedTask, TaskId } from '../queued-table.ts'
import { IS_UNSETTLED, quote } from '../sql-fragments.ts'
import type { Statements } from './statements.ts'
import { uniqueExpression } from './task-sql.ts'
import { encode, instant, millisecondsOf } from './values.ts'

/**
 * Inserts tasks. If the table is `unique` and an unsettled task has the same values, that one is returned instead, and is due
 * now if the new one would be. The caller has a transaction open.
 *
 * @throws InvalidTaskError if they are scheduled and the table has no `run_at`
 */
export function insertTasks(
  statements: Statements,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): EnqueuedTask[] {
  const filled = lifecycleValues(table, runAt, (column, at) => instant(column, at.getTime()))
  const unique = uniqueColumns(statements, table)
  const isDue = !runAt || runAt.getTime() <= Date.now()
  return Array.from(rows, (row) => insertTask(statements, table, row, { filled, unique, isDue }))
}

function insertTask(
  statements: Statements,
  table: TaskTable,
  row: Readonly<Record<string, unknown>>,
  {
    filled,
    unique,
    isDue,
  }: { filled: readonly [name: string, value: unknown][]; unique: readonly string[]; isDue: boolean },
): EnqueuedTask {
  const columns = Object.keys(row).filter((key) => row[key] !== undefined)
  const values = columns.map((key) => encode(table.columns[key]!, row[key]))
  const names = columns.map((key) => table.columns[key]!.name)
  for (const [name, value] of filled) {
    names.push(name)
    values.push(value)
  }
  // A row of default values takes no conflict clause.
  if (names.length === 0 && unique.length > 0) {
    names.push('status')
    values.push('pending')
  }
  const statement = statements.sql(insertStatement(table.name, names, unique))
  const inserted = statement.get(...values) as { id: TaskId } | undefined
  if (inserted) return { id: inserted.id, isNew: true }
  const alike = unique.map((column) =>
    names.includes(column) ? values[names.indexOf(column)] : defaultOf(table, column),
  )
  const id = findUnsettled(statements, table, unique, alike)
  const scheduledFor = isDue ? makeDueNow(statements, table, id) : undefined
  return { id, isNew: false, ...(scheduledFor && { scheduledFor }) }
}

/** Makes a task due that is scheduled for later, unless it waits between two attempts; returns when it would have been due. */
function makeDueNow(statements: Statements, table: TaskTable, id: TaskId): Date | undefined {
  const runAt = columnNamed(table, 'run_at')
  if (!runAt) return undefined
  const now = instant(runAt, Date.now())
  const isUntried = columnNamed(table, 'attempt') ? ' and ifnull(attempt, 0) = 0' : ''
  const raw = statements
    .sql(`select run_at from ${quote(table.name)} where id = ? and status = 'pending' and run_at > ?${isUntried}`)
    .pluck()
    .get(id, now)
  if (raw === undefined) return undefined
  statements.sql(`update ${quote(table.name)} set run_at = ? where id = ?`).run(now, id)
  return new Date(millisecondsOf(runAt, raw))
}

/**
 * Read from the index and not from the processor, which an application that inserts does not have. Read each time, since a
 * migration may have changed it: the schema is small, and an insert costs a commit.
 */
function uniqueColumns(statements: Statements, table: TaskTable): string[] {
  const sql = statements.sql('select sql from sqlite_master where name = ?').pluck().get(`ops_${table.name}_unique`)
  const columns = Object.values(table.columns).map(({ name }) => name)
  return typeof sql === 'string' ? columns.filter((name) => sql.includes(uniqueExpression(name))) : []
}

function defaultOf(table: TaskTable, name: string): unknown {
  const column = columnNamed(table, name)!
  return column.hasDefault ? encode(column, column.defaultValue) : null
}

function findUnsettled(
  statements: Statements,
  table: TaskTable,
  columns: readonly string[],
  values: readonly unknown[],
): TaskId {
  const alike = columns.map((column) => `${uniqueExpression(column)} = ifnull('=' || ?, '')`).join(' and ')
  return statements
    .sql(`select id from ${quote(table.name)} where ${IS_UNSETTLED} and ${alike}`)
    .pluck()
    .get(...values) as TaskId
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
