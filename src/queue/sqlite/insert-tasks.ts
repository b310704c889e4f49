import type { TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queue.ts'
import type { StatementCache } from './statement-cache.ts'
import { columnNamed, encode, quote } from './values.ts'

/** Inserts rows and returns their ids. Inside a transaction of the caller's. */
export function insertTasks(
  connection: Pick<StatementCache, 'sql'>,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): TaskId[] {
  const ids: TaskId[] = []
  for (const row of rows) {
    const columns = Object.keys(row).filter((key) => row[key] !== undefined)
    const values = columns.map((key) => encode(table.columns[key]!, row[key]))
    const names = columns.map((key) => table.columns[key]!.name)
    const scheduled = runAt && columnNamed(table, 'run_at')
    if (scheduled) {
      names.push('run_at')
      values.push(encode(scheduled, runAt))
    }
    const statement = connection.sql(insertStatement(table.name, names))
    ids.push((statement.get(...values) as { id: TaskId }).id)
  }
  return ids
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
