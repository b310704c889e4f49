import { InvalidTaskError } from '../errors.ts'
import { isStorable, storableTime } from '../task-table/check-task.ts'
import { columnNamed, type TaskColumn, type TaskTable } from '../task-table/task-table.ts'

/**
 * The lifecycle columns that an insert must set: `run_at` of a scheduled task, and those without a default in an existing
 * table.
 *
 * @param instant converts an instant to what the column stores
 * @throws InvalidTaskError if the task is scheduled and the table has no `run_at`, or for a time that cannot be stored
 */
export function lifecycleValues(
  table: TaskTable,
  runAt: Date | undefined,
  instant: (column: TaskColumn, at: Date) => unknown,
): [name: string, value: unknown][] {
  if (runAt && !columnNamed(table, 'run_at')) {
    throw new InvalidTaskError(table.name, ['tasks cannot be scheduled without a column "run_at"'])
  }
  if (runAt && !isStorable(runAt)) {
    const got = Number.isNaN(runAt.getTime()) ? 'an invalid date' : runAt.toISOString()
    throw new InvalidTaskError(table.name, [`"runAt" must be ${storableTime}, got ${got}`])
  }
  const now = new Date()
  const values: Record<string, (column: TaskColumn) => unknown> = {
    status: () => 'pending',
    created_at: (column) => instant(column, now),
    run_at: (column) => instant(column, runAt ?? now),
    attempt: () => 0,
  }
  return Object.values(table.columns).flatMap((column): [string, unknown][] => {
    const isNeeded = column.isLifecycle && (!column.hasDefault || (runAt && column.name === 'run_at'))
    const value = isNeeded ? values[column.name] : undefined
    return value ? [[column.name, value(column)]] : []
  })
}
