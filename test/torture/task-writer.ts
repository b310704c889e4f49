import type { Queue } from '../../src/queue/queue.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'
import type { Sql } from '../support/invariants.ts'
import { type Kind, kinds } from '../support/kinds.ts'
import { databaseAt } from '../support/test-database.ts'

/** One way to write to the queue. */
export interface TaskWriter {
  add(kind: Kind, columns: Readonly<Record<string, string | number>>): Promise<number>
  /** Whether the task changed, as in `retry`. */
  cancel(kind: Kind, id: number): Promise<boolean>
  retry(kind: Kind, id: number): Promise<boolean>
  /** The newest task with one of these statuses. */
  find(kind: Kind, statuses: readonly string[]): Promise<number | undefined>
  /** How many tasks are pending. */
  waiting(): Promise<number>
  close(): Promise<void>
}

const actor = 'torture'

/** Writes through ops. */
export async function opsWriter(url: string): Promise<TaskWriter> {
  const { openQueue } = await import('../../src/queue/open-queue.ts')
  const queue: Queue = await openQueue(url, { directory: '/' })
  const tables = await taskTables()
  const reading = databaseAt(url)
  return {
    ...reader(reading.sql),
    async add(kind, columns) {
      const [task] = await queue.enqueue(tables[kind], [columns], { actor })
      return Number(task!.id)
    },
    cancel: async (kind, id) => (await queue.cancel(tables[kind], id, actor))?.change !== 'none',
    retry: async (kind, id) => (await queue.retry(tables[kind], id, actor))?.change !== 'none',
    async close() {
      await queue.close()
      await reading.close()
    },
  }
}

/** Writes in SQL, like a person or an application in another language. */
export async function sqlWriter(url: string): Promise<TaskWriter> {
  const { sql, close } = databaseAt(url)
  return {
    ...reader(sql),
    async add(kind, columns) {
      const names = Object.keys(columns).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      const values = Object.values(columns).map((value) => (typeof value === 'number' ? value : `'${value}'`))
      const [task] = await sql(
        `insert into ${kinds[kind]} (${names.join(', ')}) values (${values.join(', ')}) returning id`,
      )
      return Number(task!.id)
    },
    cancel: (kind, id) => change(sql, kind, id, `status = 'canceled'`, `status = 'pending'`),
    retry: (kind, id) => change(sql, kind, id, `status = 'pending'`, `status in ('failed', 'canceled')`),
    close,
  }
}

async function change(sql: Sql, kind: Kind, id: number, set: string, where: string): Promise<boolean> {
  return (await sql(`update ${kinds[kind]} set ${set} where id = ${id} and ${where} returning id`)).length > 0
}

function reader(sql: Sql): Pick<TaskWriter, 'find' | 'waiting'> {
  return {
    async find(kind, statuses) {
      const within = statuses.map((status) => `'${status}'`).join(', ')
      const [task] = await sql(`select id from ${kinds[kind]} where status in (${within}) order by id desc limit 1`)
      return task && Number(task.id)
    },
    async waiting() {
      const counts = Object.values(kinds).map((table) => `(select count(*) from ${table} where status = 'pending')`)
      const [row] = await sql(`select ${counts.join(' + ')} as waiting`)
      return Number(row!.waiting)
    },
  }
}

async function taskTables(): Promise<Record<Kind, TaskTable>> {
  const { notes } = await import('../fixtures/plugin-torture/src/note.ts')
  const { counts } = await import('../fixtures/plugin-torture/src/count.ts')
  const { moves } = await import('../fixtures/plugin-torture/src/move.ts')
  const { syncs } = await import('../fixtures/plugin-torture/src/sync.ts')
  return { note: notes, count: counts, move: moves, sync: syncs }
}
