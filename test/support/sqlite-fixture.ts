import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { SqliteQueue } from '../../src/queue/sqlite/queue.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'
import { createTaskTable } from './create-task-table.ts'
import { keyOf } from './tables-key.ts'
import { makeFolder, removeFolder, temporaryFolder } from './temporary-folder.ts'

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
  writeFileSync(file, await templateWith(tables))
  const queue = openQueue(file)
  const raw = new Database(file)
  onTestFinished(() => {
    raw.close()
  })
  return {
    file,
    queue,
    raw,
    rows: (text) => raw.prepare(text).all() as Record<string, unknown>[],
    value: (text) => raw.prepare(text).pluck().get(),
  }
}

/** A copy is made in a tenth of the time of a migration. */
const templates = new Map<string, Promise<Buffer>>()

function templateWith(tables: readonly QueuedTable[]): Promise<Buffer> {
  const key = keyOf(tables)
  let template = templates.get(key)
  if (template === undefined) {
    template = makeTemplate(tables)
    templates.set(key, template)
  }
  return template
}

async function makeTemplate(tables: readonly QueuedTable[]): Promise<Buffer> {
  const folder = makeFolder()
  const file = join(folder, 'ops.db')
  const queue = new SqliteQueue(file, { synchronous: 'NORMAL' })
  await queue.migrate([], [])
  const raw = new Database(file)
  createTables(
    raw,
    tables.map(({ table }) => table),
  )
  raw.close()
  await queue.migrate([], tables)
  await queue.close()
  const bytes = readFileSync(file)
  removeFolder(folder)
  return bytes
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
