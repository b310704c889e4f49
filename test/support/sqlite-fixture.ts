import { join } from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { SqliteQueue } from '../../src/queue/sqlite/queue.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'
import { createTaskTable } from './create-task-table.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface SqliteFixture {
  readonly file: string
  readonly queue: SqliteQueue
  /** A connection that is not ops' and sets nothing. */
  readonly raw: Database.Database
  rows(text: string): Record<string, unknown>[]
  value(text: string): unknown
}

/** A database file as ops makes it, with the tables as plugins' migrations would make them. Gone after the test. */
export async function sqliteFixture(tables: readonly QueuedTable[]): Promise<SqliteFixture> {
  const file = join(temporaryFolder(), 'ops.db')
  const queue = openQueue(file)
  await queue.migrate([], [])
  const raw = new Database(file)
  onTestFinished(() => {
    raw.close()
  })
  createTables(
    raw,
    tables.map(({ table }) => table),
  )
  await queue.migrate([], tables)
  return {
    file,
    queue,
    raw,
    rows: (text) => raw.prepare(text).all() as Record<string, unknown>[],
    value: (text) => raw.prepare(text).pluck().get(),
  }
}

/** A queue on a file, closed after the test. Not synchronous: no test here pulls the plug. */
export function openQueue(file: string): SqliteQueue {
  const queue = new SqliteQueue(file, { synchronous: 'NORMAL' })
  onTestFinished(() => queue.close())
  return queue
}

export function createTables(database: Database.Database, tables: readonly TaskTable[]): void {
  for (const table of tables) database.exec(createTaskTable(table))
}
