import { statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Checkpoint } from '../../../src/queue/sqlite/checkpoint.ts'
import { openDatabase, type SqliteDatabase } from '../../../src/queue/sqlite/open-database.ts'
import { startProgram } from '../../support/start-program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const LIMIT = 256 * 1024

function fixture() {
  const file = join(temporaryFolder(), 'ops.db')
  const database = openDatabase(file, { synchronous: 'NORMAL', create: true })
  onTestFinished(() => void database.close())
  database.exec('create table notes (id integer primary key, text text)')
  const checkpoint = new Checkpoint(database, LIMIT)
  return { file, database, checkpoint, logSize: () => statSync(`${file}-wal`).size }
}

function reader(file: string): SqliteDatabase {
  const database = new Database(file)
  onTestFinished(() => void database.close())
  database.exec('begin')
  database.prepare('select count(*) from notes').get()
  return database
}

/** Half a megabyte of log. */
function write(database: SqliteDatabase): void {
  const insert = database.prepare(`insert or replace into notes values (?, ?)`)
  for (let id = 0; id < 50; id += 1) insert.run(id, 'x'.repeat(8000))
}

describe('a write-ahead log over its limit', () => {
  it('is truncated if there is no reader', () => {
    const { database, checkpoint, logSize } = fixture()
    write(database)
    expect(logSize()).toBeGreaterThan(LIMIT)
    checkpoint.whenLarge()
    expect(logSize()).toBe(0)
    expect(database.prepare('select count(*) from notes').pluck().get()).toBe(50)
  })

  it('stays while a reader needs it without blocking writers, and is truncated when the reader is gone', () => {
    const { file, database, logSize } = fixture()
    const held = reader(file)
    write(database)
    new Checkpoint(database, LIMIT).whenLarge()
    expect(logSize()).toBeGreaterThan(LIMIT)
    write(database)
    expect(held.prepare('select count(*) from notes').pluck().get()).toBe(0)
    held.exec('commit')
    new Checkpoint(database, LIMIT).whenLarge()
    expect(logSize()).toBe(0)
  })

  it('is truncated between readers, even if there is always one', async () => {
    const { file, database, logSize } = fixture()
    const readers = startProgram(join(import.meta.dirname, 'programs', 'read-in-turns.ts'), file)
    expect(await readers.line()).toBe('reading')
    const isEmptied = () => {
      write(database)
      new Checkpoint(database, LIMIT).whenLarge()
      return logSize() === 0
    }
    // Whether a look meets a moment between two readers is chance; each second there is one.
    expect(Array.from({ length: 20 }, isEmptied)).toContain(true)
  })
})

describe('a write-ahead log within its limit', () => {
  it('is not truncated', () => {
    const { database, checkpoint, logSize } = fixture()
    const size = logSize()
    database.exec('insert into notes default values')
    checkpoint.whenLarge()
    expect(logSize()).toBeGreaterThan(size)
  })

  it('is checked once a second at most', () => {
    const { database, checkpoint, logSize } = fixture()
    checkpoint.whenLarge()
    write(database)
    checkpoint.whenLarge()
    expect(logSize()).toBeGreaterThan(LIMIT)
  })
})
