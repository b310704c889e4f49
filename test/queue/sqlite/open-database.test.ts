import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase, type SqliteDatabase } from '../../../src/queue/sqlite/open-database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

function opened(...parameters: Parameters<typeof openDatabase>): SqliteDatabase {
  const database = openDatabase(...parameters)
  onTestFinished(() => void database.close())
  return database
}

const setting = (database: SqliteDatabase, name: string) => database.pragma(name, { simple: true })

describe('a database', () => {
  it('is opened so that a power cut undoes nothing, unless the configuration says otherwise', () => {
    const file = join(temporaryFolder(), 'ops.db')
    // FULL, then NORMAL (sqlite.org/pragma.html#pragma_synchronous).
    expect(setting(opened(file, { create: true }), 'synchronous')).toBe(2)
    expect(setting(opened(file, { synchronous: 'NORMAL' }), 'synchronous')).toBe(1)
  })

  it('has a write-ahead log that is large enough for fast commits, and checks references', () => {
    const database = opened(join(temporaryFolder(), 'ops.db'), { create: true })
    expect(setting(database, 'journal_mode')).toBe('wal')
    expect(setting(database, 'wal_autocheckpoint')).toBe(20_000)
    expect(setting(database, 'journal_size_limit')).toBe(64 * 1024 * 1024)
    expect(setting(database, 'foreign_keys')).toBe(1)
    // ops waits itself.
    expect(setting(database, 'busy_timeout')).toBe(0)
  })

  it('has small pages where ops creates it, and keeps those of the application', () => {
    const folder = temporaryFolder()
    expect(setting(opened(join(folder, 'new.db'), { create: true }), 'page_size')).toBe(2048)
    const own = new Database(join(folder, 'own.db'))
    own.pragma('page_size = 8192')
    own.exec('create table orders (id integer primary key)')
    own.close()
    expect(setting(opened(join(folder, 'own.db')), 'page_size')).toBe(8192)
  })
})
