import type { TaskTable } from '../task-table/task-table.ts'
import type { EnqueuedTask, TaskId } from './queue.ts'

/** What the database knows of a schedule: with it, each tick is enqueued once however many workers there are. */
export interface ScheduleState {
  readonly name: string
  /** Ticks count from here on: when the schedule was first seen, or last changed. */
  readonly since: Date
  readonly lastTickAt: Date | undefined
  /** The task of the last tick, if one was enqueued for it. */
  readonly lastTask: { readonly table: string; readonly id: TaskId } | undefined
}

export interface Schedules {
  /** Makes a schedule known, or notes that its definition has changed, and returns its state. */
  register(name: string, definition: string): Promise<ScheduleState>
  /**
   * Enqueues the task of a tick, unless this tick or a later one was dealt with before.
   *
   * @param task undefined where the tick is passed over
   * @returns whether it was this caller who dealt with the tick
   */
  tick(
    name: string,
    at: Date,
    task: { table: TaskTable; row: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<{ isOurs: boolean; task: EnqueuedTask | undefined }>
  list(): Promise<ScheduleState[]>
}
