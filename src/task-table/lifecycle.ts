import type { Status } from '../task/lifecycle.ts'
import { type ColumnType, columnNamed, type TaskColumn, type TaskTable } from './task-table.ts'

/** The default of a column that is the database's time of the insert. A registered symbol: it is the same in every copy of ops. */
export const NOW: unique symbol = Symbol.for('ops-cli.now') as never

/** The default of an id that the database generates. */
export const NEXT_ID: unique symbol = Symbol.for('ops-cli.next-id') as never

/** The columns that every described task table has, in their order. */
export const lifecycleColumns: Readonly<Record<string, TaskColumn>> = {
  id: lifecycle('id', 'id', 'integer', NEXT_ID),
  status: lifecycle('status', 'status', 'text', 'pending'),
  createdAt: lifecycle('createdAt', 'created_at', 'timestamp', NOW),
  runAt: lifecycle('runAt', 'run_at', 'timestamp', NOW),
  attempt: lifecycle('attempt', 'attempt', 'integer', 0),
  startedAt: lifecycle('startedAt', 'started_at', 'timestamp'),
  finishedAt: lifecycle('finishedAt', 'finished_at', 'timestamp'),
  error: lifecycle('error', 'error', 'text'),
  progress: lifecycle('progress', 'progress', 'real'),
  progressNote: lifecycle('progressNote', 'progress_note', 'text'),
}

function lifecycle(key: string, name: string, type: ColumnType, defaultValue?: unknown): TaskColumn {
  const hasDefault = defaultValue !== undefined
  return {
    key,
    name,
    type,
    isLifecycle: true,
    isNotNull: hasDefault,
    hasDefault,
    defaultValue,
    summary: undefined,
    values: undefined,
    target: undefined,
    isResult: false,
  }
}

/**
 * The current time in SQLite, in whole milliseconds since the epoch. Not `unixepoch('subsec')`, which is null before
 * SQLite 3.42: a column default runs in the SQLite of the program that inserts (Debian 12 has 3.40).
 */
export const SQLITE_NOW = "(cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer))"

/** The lifecycle columns of a row. An existing table may have only `status` and `created_at`. */
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

/** Reads the lifecycle columns of a row by their names in the database: their keys may differ in an existing table. */
export function readLifecycle(table: TaskTable, row: Readonly<Record<string, unknown>>): Lifecycle {
  const value = <T>(name: string) => {
    const column = columnNamed(table, name)
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

/** An existing table may store instants as text or as milliseconds. */
function toDate(value: unknown): Date | undefined {
  if (value === undefined) return undefined
  const date = new Date(value as string | number | Date)
  return Number.isNaN(date.getTime()) ? undefined : date
}
