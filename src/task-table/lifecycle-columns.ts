import type { ColumnType } from './column.ts'
import type { TaskColumn } from './task-table.ts'

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

/** Stands for the time of the insert by the database's clock, whichever copy of this module said so. */
export const NOW: unique symbol = Symbol.for('ops-cli.now') as never

/** Stands for the id that the database gives. */
export const NEXT_ID: unique symbol = Symbol.for('ops-cli.next-id') as never

/** The columns that make a table a task table, in their order. */
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
