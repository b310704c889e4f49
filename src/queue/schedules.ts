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
  /** Why the latest tick could not add its task; undefined once one could. */
  readonly failure?: { readonly error: string; readonly at: Date } | undefined
}

export interface Schedules {
  /** The time by the clock that all workers on this database share. */
  now(): Promise<Date>
  /**
   * Registers a schedule, or updates its definition, and returns its state.
   *
   * @param since from when ticks count if it is new, changed, or was removed before; default: now. A worker that has had the
   *   schedule all along misses no tick because another one with another configuration has not
   */
  register(name: string, definition: string, since?: Date): Promise<ScheduleState>
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
  /** Records why the task of a tick could not be added. */
  fail(name: string, error: string): Promise<void>
  /** Lets ticks count from `since` if otherwise none would count until after `limit`; false if that is not so. */
  restart(name: string, limit: Date, since: Date): Promise<boolean>
  /** Notes that schedules are not in the configuration: if they are added again, they start over. */
  remove(names: readonly string[]): Promise<void>
  /** Those that are not removed. */
  list(): Promise<ScheduleState[]>
}
