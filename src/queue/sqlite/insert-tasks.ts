import { InvalidTaskError } from '../../errors.ts'
import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queue.ts'
import { instant } from './claim.ts'
import type { StatementCache } from './statement-cache.ts'
import { columnNamed, encode, quote } from './values.ts'

/**
 * Inserts rows and returns their ids. Inside a transaction of the caller's.
 *
 * @throws InvalidTaskError when they are for later and the table has no `run_at`
 */
export function insertTasks(
  connection: Pick<StatementCache, 'sql'>,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): TaskId[] {
  if (runAt && !columnNamed(table, 'run_at'))
    throw new InvalidTaskError(table.name, ['has no column "run_at", so its tasks cannot be scheduled'])
  const filled = lifecycleValues(table, runAt)
  const ids: TaskId[] = []
  for (const row of rows) {
    const columns = Object.keys(row).filter((key) => row[key] !== undefined)
    const values = columns.map((key) => encode(table.columns[key]!, row[key]))
    const names = columns.map((key) => table.columns[key]!.name)
    for (const [name, value] of filled) {
      names.push(name)
      values.push(value)
    }
    const statement = connection.sql(insertStatement(table.name, names))
    ids.push((statement.get(...values) as { id: TaskId }).id)
  }
  return ids
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

function insertStatement(table: string, names: readonly string[]): string {
  if (names.length === 0) return `insert into ${quote(table)} default values returning id`
  return `insert into ${quote(table)} (${names.map(quote).join(', ')}) values (${names.map(() => '?').join(', ')}) returning id`
}

/** Makes the changes of one transaction in somebody's name: the audit triggers look here. */
export function asActor<T>(connection: Pick<StatementCache, 'sql'>, actor: string | undefined, change: () => T): T {
  if (actor === undefined) return change()
  connection.sql('insert into ops_actor (actor) values (?)').run(actor)
  const result = change()
  connection.sql('delete from ops_actor').run()
  return result
}
