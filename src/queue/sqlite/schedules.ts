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
  error: string | null
  error_at: number | null
}

export class SqliteSchedules implements Schedules {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  async now(): Promise<Date> {
    return new Date()
  }

  async register(name: string, definition: string, since = new Date()): Promise<ScheduleState> {
    const connection = this.#connect()
    const find = 'select * from ops_schedules where name = ? and definition = ? and removed_at is null'
    const known = connection.sql(find).get(name, definition) as ScheduleRow | undefined
    if (known) return toState(known)
    const register = connection.sql(
      `insert into ops_schedules (name, definition, since_at) values (?, ?, ?)
       on conflict (name) do update set
         since_at = iif(definition = excluded.definition and removed_at is null, since_at, excluded.since_at),
         definition = excluded.definition, removed_at = null
       returning *`,
    )
    return toState(
      await connection.lock.writeUntilStop(() => register.get(name, definition, since.getTime()) as ScheduleRow),
    )
  }

  async tick(
    name: string,
    at: Date,
    task: { table: TaskTable; row: Readonly<Record<string, unknown>> } | undefined,
  ): Promise<{ isOurs: boolean; task: EnqueuedTask | undefined }> {
    const connection = this.#connect()
    const done = await connection.lock.writeUntilStop(() => {
      // The condition is the lock: of all workers that do this tick, one changes the row.
      const { changes } = connection
        .sql('update ops_schedules set last_tick_at = ? where name = ? and max(ifnull(last_tick_at, 0), since_at) < ?')
        .run(at.getTime(), name, at.getTime())
      if (changes === 0) return { isOurs: false, task: undefined }
      if (!task) return { isOurs: true, task: undefined }
      const [added] = asActor(connection, `schedule ${name}`, () => insertTasks(connection, task.table, [task.row]))
      connection
        .sql('update ops_schedules set task_table = ?, task_id = ?, error = null, error_at = null where name = ?')
        .run(task.table.name, added!.id, name)
      return { isOurs: true, task: added }
    })
    if (done.task) connection.wakeUp.signal()
    return done
  }

  async fail(name: string, error: string): Promise<void> {
    const connection = this.#connect()
    const update = connection.sql('update ops_schedules set error = ?, error_at = ? where name = ?')
    await connection.lock.writeUntilStop(() => update.run(error, Date.now(), name))
  }

  async restart(name: string, limit: Date, since: Date): Promise<boolean> {
    const connection = this.#connect()
    const update = connection.sql(
      `update ops_schedules set since_at = ?, last_tick_at = null
       where name = ? and max(ifnull(last_tick_at, 0), since_at) > ?`,
    )
    return connection.lock.writeUntilStop(() => update.run(since.getTime(), name, limit.getTime()).changes === 1)
  }

  async remove(names: readonly string[]): Promise<void> {
    const connection = this.#connect()
    const update = connection.sql('update ops_schedules set removed_at = ? where name = ? and removed_at is null')
    await connection.lock.writeUntilStop(() => {
      for (const name of names) update.run(Date.now(), name)
    })
  }

  async list(): Promise<ScheduleState[]> {
    const rows = this.#connect().sql('select * from ops_schedules where removed_at is null order by name').all()
    return (rows as ScheduleRow[]).map(toState)
  }
}

function toState({ name, since_at, last_tick_at, task_table, task_id, error, error_at }: ScheduleRow): ScheduleState {
  return {
    name,
    since: new Date(since_at),
    lastTickAt: last_tick_at === null ? undefined : new Date(last_tick_at),
    lastTask: task_table === null || task_id === null ? undefined : { table: task_table, id: task_id },
    failure: error === null || error_at === null ? undefined : { error, at: new Date(error_at) },
  }
}
