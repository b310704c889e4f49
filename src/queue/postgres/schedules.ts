import type { TaskTable } from '../../task-table/task-table.ts'
import type { EnqueuedTask } from '../queue.ts'
import type { ScheduleState, Schedules } from '../schedules.ts'
import type { Connection } from './connection.ts'
import { insertTasks } from './insert-tasks.ts'
import { asActor, type Row } from './statements.ts'
import { taskIdOf } from './values.ts'

export class PostgresSchedules implements Schedules {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async now(): Promise<Date> {
    const [row] = await this.#connection.use((session) => session.query('select now() as now'))
    return row!.now
  }

  async register(name: string, definition: string, since?: Date): Promise<ScheduleState> {
    const rows = await this.#connection.use((session) =>
      session.query(
        `insert into ops_schedules as known (name, definition, since_at) values ($1, $2, coalesce($3, now()))
         on conflict (name) do update set
           since_at = case when known.definition = excluded.definition and known.removed_at is null
             then known.since_at else excluded.since_at end,
           definition = excluded.definition, removed_at = null
         returning *`,
        [name, definition, since ?? null],
      ),
    )
    return toState(rows[0]!)
  }

  async tick(
    name: string,
    at: Date,
    task: { table: TaskTable; row: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<{ isOurs: boolean; task: EnqueuedTask | undefined }> {
    return this.#connection.transaction(async (session) => {
      // The condition is the lock: of all workers that do this tick, one changes the row.
      const [ours] = await session.query(
        `update ops_schedules set last_tick_at = $2
         where name = $1 and greatest(coalesce(last_tick_at, since_at), since_at) < $2 returning 1`,
        [name, at],
      )
      if (!ours) return { isOurs: false, task: undefined }
      if (!task) return { isOurs: true, task: undefined }
      await asActor(session, `schedule ${name}`)
      const [added] = await insertTasks(session, task.table, [task.row])
      const { id } = added!
      await session.query(
        `update ops_schedules set task_table = $2, task_id = $3, task_key = $4, error = null, error_at = null
         where name = $1`,
        [name, task.table.name, typeof id === 'number' ? id : null, typeof id === 'string' ? id : null],
      )
      return { isOurs: true, task: added }
    })
  }

  async fail(name: string, error: string): Promise<void> {
    const text = 'update ops_schedules set error = $2, error_at = now() where name = $1'
    await this.#connection.use((session) => session.query(text, [name, error]))
  }

  async restart(name: string, limit: Date, since: Date): Promise<boolean> {
    const restarted = await this.#connection.use((session) =>
      session.query(
        `update ops_schedules set since_at = $3, last_tick_at = null
         where name = $1 and greatest(coalesce(last_tick_at, since_at), since_at) > $2 returning 1`,
        [name, limit, since],
      ),
    )
    return restarted.length === 1
  }

  async remove(names: readonly string[]): Promise<void> {
    const text = 'update ops_schedules set removed_at = now() where name = any($1) and removed_at is null'
    await this.#connection.use((session) => session.query(text, [names]))
  }

  async list(): Promise<ScheduleState[]> {
    const text = 'select * from ops_schedules where removed_at is null order by name'
    return (await this.#connection.use((session) => session.query(text))).map(toState)
  }
}

function toState(row: Row): ScheduleState {
  return {
    name: row.name,
    since: row.since_at,
    lastTickAt: row.last_tick_at ?? undefined,
    lastTask: row.task_table === null ? undefined : { table: row.task_table, id: taskIdOf(row as never) },
    failure: row.error === null ? undefined : { error: row.error, at: row.error_at },
  }
}
