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

  async register(name: string, definition: string): Promise<ScheduleState> {
    const rows = await this.#connection.use((session) =>
      session.query(
        `insert into ops_schedules as known (name, definition) values ($1, $2)
         on conflict (name) do update set
           since_at = case when known.definition = excluded.definition then known.since_at else excluded.since_at end,
           definition = excluded.definition
         returning *`,
        [name, definition],
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
      await session.query('update ops_schedules set task_table = $2, task_id = $3, task_key = $4 where name = $1', [
        name,
        task.table.name,
        typeof id === 'number' ? id : null,
        String(id),
      ])
      return { isOurs: true, task: added }
    })
  }

  async list(): Promise<ScheduleState[]> {
    const rows = await this.#connection.use((session) => session.query('select * from ops_schedules order by name'))
    return rows.map(toState)
  }
}

function toState(row: Row): ScheduleState {
  return {
    name: row.name,
    since: row.since_at,
    lastTickAt: row.last_tick_at ?? undefined,
    lastTask: row.task_table === null ? undefined : { table: row.task_table, id: taskIdOf(row as never) },
  }
}
