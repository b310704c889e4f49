import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, vi } from 'vitest'
import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { createTables } from '../../support/sqlite-fixture.ts'
import { makeFolder, removeFolder } from '../../support/temporary-folder.ts'
import type { Row } from '../model/snapshot.ts'
import { modelTables } from '../model/tables.ts'
import { queueModel } from '../model.ts'

const folder = makeFolder()
const template = join(folder, 'template.db')
let databases = 0

const openQueue = (file: string) => new SqliteQueue(file, { synchronous: 'NORMAL' })

/** Copying it takes a tenth of the time of a migration. */
beforeAll(async () => {
  const queue = openQueue(template)
  await queue.migrate([], [])
  const raw = new Database(template)
  createTables(
    raw,
    modelTables.map(({ table }) => table),
  )
  raw.close()
  await queue.migrate([], modelTables)
  await queue.close()
})

afterAll(() => {
  vi.useRealTimers()
  removeFolder(folder)
})

queueModel(
  'SQLite',
  async () => {
    databases += 1
    const file = join(folder, `${databases}.db`)
    copyFileSync(template, file)
    const raw = new Database(file)
    // The last connection to close checkpoints, and would wait for the disk.
    raw.pragma('synchronous = OFF')
    vi.useRealTimers()
    // Ahead of the database's clock, which sets the time of an insert: added tasks are due.
    vi.setSystemTime(Date.now() + 3_600_000)
    return {
      name: 'SQLite',
      open: async () => openQueue(file),
      sql: async (text) => {
        const statement = raw.prepare(text)
        if (statement.reader) return statement.all() as Row[]
        statement.run()
        return []
      },
      milliseconds: (column) => column,
      now: () => Date.now(),
      jump: async (milliseconds) => {
        vi.setSystemTime(Date.now() + milliseconds)
        return 0
      },
      remove: async () => {
        raw.close()
        for (const suffix of ['', '-wal', '-shm', '-wake', '-workers'])
          rmSync(file + suffix, { recursive: true, force: true })
      },
    }
  },
  8,
)
