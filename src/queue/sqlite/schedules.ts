import type { TaskTable } from '../../task-table/task-table.ts'
import type { EnqueuedTask, TaskId } from '../queue.ts'
import type { ScheduleState, Schedules } from '../schedules.ts'
import type { Connection } from './connection.ts'
import { insertTasks } from './insert-tasks.ts'
import { asActor } from './statements.ts'

interface ScheduleRow {
  name: string
  since_at: number
  last_tick_at: number | null
  task_table: string | null
  task_id: TaskId | null
}

export class SqliteSchedules implements Schedules {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  async register(name: string, definition: string): Promise<ScheduleState> {
    const connection = this.#connect()
    const register = connection.sql(
      `insert into ops_schedules (name, definition, since_at) values (?, ?, ?)
       on conflict (name) do update set
         since_at = iif(definition = excluded.definition, since_at, excluded.since_at),
         definition = excluded.definition
       returning *`,
    )
    return toState(await connection.lock.write(() => register.get(name, definition, Date.now()) as ScheduleRow))
  }

  async tick(
    name: string,
    at: Date,
    task: { table: TaskTable; row: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<{ isOurs: boolean; task: EnqueuedTask | undefined }> {
    const connection = this.#connect()
    const done = await connection.lock.write(() => {
      // The condition is the lock: of all workers that do this tick, one changes the row.
      const { changes } = connection
        .sql('update ops_schedules set last_tick_at = ? where name = ? and max(ifnull(last_tick_at, 0), since_at) < ?')
        .run(at.getTime(), name, at.getTime())
      if (changes === 0) return { isOurs: false, task: undefined }
      if (!task) return { isOurs: true, task: undefined }
      const [added] = asActor(connection, `schedule ${name}`, () => insertTasks(connection, task.table, [task.row]))
      connection
        .sql('update ops_schedules set task_table = ?, task_id = ? where name = ?')
        .run(task.table.name, added!.id, name)
      return { isOurs: true, task: added }
    })
    if (done.task) connection.wakeUp.signal()
    return done
  }

  async list(): Promise<ScheduleState[]> {
    return (this.#connect().sql('select * from ops_schedules order by name').all() as ScheduleRow[]).map(toState)
  }
}

function toState({ name, since_at, last_tick_at, task_table, task_id }: ScheduleRow): ScheduleState {
  return {
    name,
    since: new Date(since_at),
    lastTickAt: last_tick_at === null ? undefined : new Date(last_tick_at),
    lastTask: task_table === null || task_id === null ? undefined : { table: task_table, id: task_id },
  }
}
