import type { TaskTable } from '../task-table/task-table.ts'
import type { EnqueuedTask, TaskId } from './queued-table.ts'

/** A schedule in the database, by which each tick is enqueued once, however many workers there are. */
export interface ScheduleState {
  readonly name: string
  /** When the schedule was registered or last changed; earlier ticks do not count. */
  readonly since: Date
  readonly lastTickAt: Date | undefined
  /** The task of the last tick, if one was enqueued. */
  readonly lastTask: { readonly table: string; readonly id: TaskId } | undefined
}

export interface Schedules {
  /** Registers a schedule, or updates its definition, and returns its state. */
  register(name: string, definition: string): Promise<ScheduleState>
  /**
   * Enqueues the task of a tick, unless this tick or a later one is already done.
   *
   * @param task undefined if the tick is skipped
   * @returns `isOurs`: whether this call did the tick
   */
  tick(
    name: string,
    at: Date,
    task: { table: TaskTable; row: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<{ isOurs: boolean; task: EnqueuedTask | undefined }>
  list(): Promise<ScheduleState[]>
}
