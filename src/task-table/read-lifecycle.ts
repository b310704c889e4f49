import type { Status } from '../task/lifecycle.ts'
import type { TaskTable } from './task-table.ts'

/** What a row says of a task's life. An existing table may lack all but the status and the time. */
export interface Lifecycle {
  readonly status: Status
  readonly createdAt: Date | undefined
  readonly runAt: Date | undefined
  readonly attempt: number
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly error: string | undefined
  readonly progress: number | undefined
  readonly progressNote: string | undefined
}

/** Reads the lifecycle columns of a row by their names in the database: in TypeScript a table may call them otherwise. */
export function readLifecycle(table: TaskTable, row: Readonly<Record<string, unknown>>): Lifecycle {
  const value = <T>(name: string) => {
    const column = Object.values(table.columns).find((known) => known.name === name)
    return (column && (row[column.key] ?? undefined)) as T | undefined
  }
  return {
    status: value<Status>('status')!,
    createdAt: toDate(value('created_at')),
    runAt: toDate(value('run_at')),
    attempt: value<number>('attempt') ?? 0,
    startedAt: toDate(value('started_at')),
    finishedAt: toDate(value('finished_at')),
    error: value<string>('error'),
    progress: value<number>('progress'),
    progressNote: value<string>('progress_note'),
  }
}

/** An application may keep its instants as texts or as milliseconds. */
function toDate(value: unknown): Date | undefined {
  if (value === undefined) return undefined
  const date = new Date(value as string | number | Date)
  return Number.isNaN(date.getTime()) ? undefined : date
}
