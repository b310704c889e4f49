import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../../src/queue/sqlite/open-database.ts'
import { WriteLock } from '../../../src/queue/sqlite/write-lock.ts'
import { sqliteFixture } from '../../support/sqlite-fixture.ts'
import { type Program, startProgram } from '../../support/start-program.ts'
import { checks, queuedChecks } from '../tables.ts'

const program = (name: string) => join(import.meta.dirname, 'programs', `${name}.ts`)
const sharedProgram = (name: string) => join(import.meta.dirname, '..', 'programs', `${name}.ts`)

describe('a write', () => {
  it('waits while another process holds the lock', async () => {
    const { file, queue } = await sqliteFixture([queuedChecks])
    const holder = startProgram(program('hold-lock'), file, '300')
    expect(await holder.line()).toBe('locked')
    expect(await queue.enqueue(checks, [{}])).toEqual([{ id: 2, isNew: true }])
    expect(await queue.find(checks, 1)).toMatchObject({ url: 'by the holder of the lock' })
    expect(await holder.line()).toBe('released')
  })

  it('keeps the event loop running while it waits', async () => {
    const { file, queue } = await sqliteFixture([queuedChecks])
    const holder = startProgram(program('hold-lock'), file, '300')
    expect(await holder.line()).toBe('locked')
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 1)
    await queue.enqueue(checks, [{}])
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
  })

  it('reads while another process holds the lock', async () => {
    const { file, queue } = await sqliteFixture([queuedChecks])
    const holder = startProgram(program('hold-lock'), file, '60000')
    expect(await holder.line()).toBe('locked')
    expect(await queue.find(checks, 1)).toBeUndefined()
    expect(await queue.claim([queuedChecks])).toBeUndefined()
    expect(await queue.openRuns()).toEqual([])
  })
})

describe('a transaction', () => {
  it('keeps nothing and frees the lock when it throws', async () => {
    const { file, rows, raw } = await sqliteFixture([queuedChecks])
    const { database, lock } = openLock(file)
    const failing = lock.write(() => {
      database.exec('insert into checks default values')
      throw new Error('no such host')
    })
    await expect(failing).rejects.toThrow('no such host')
    expect(rows('select id from checks')).toEqual([])
    expect(rows('select id from ops_audit')).toEqual([])
    raw.exec('begin immediate; rollback')
    await lock.write(() => database.exec('insert into checks default values'))
    expect(rows('select id from checks')).toHaveLength(1)
  })

  it('can follow one that SQLite itself rolled back', async () => {
    const { file, rows } = await sqliteFixture([queuedChecks])
    const { database, lock } = openLock(file)
    const insert = `insert or rollback into checks (id) values (1)`
    await lock.write(() => database.exec(insert))
    await expect(lock.write(() => database.exec(insert))).rejects.toThrow('UNIQUE')
    await lock.write(() => database.exec('insert into checks default values'))
    expect(rows('select id from checks')).toHaveLength(2)
  })
})

describe('many processes', () => {
  it('write at the same time without a busy error', async () => {
    const { file, queue, value } = await sqliteFixture([queuedChecks])
    const own = Array.from({ length: 4 }, () =>
      startProgram(sharedProgram('enqueue'), `sqlite:${file}`, 'checks', '500'),
    )
    const foreign = Array.from({ length: 2 }, () => startProgram(program('insert'), file, '200'))
    expect(await race([...own, ...foreign])).toEqual(Array(6).fill('done'))
    expect(value('select count(*) from checks')).toBe(2400)
    expect(value(`select count(*) from ops_audit where event = 'enqueued'`)).toBe(2400)
    expect(await queue.claim([queuedChecks])).toBeDefined()
  })

  it('open and close the file at the same time without a busy error', async () => {
    const { file, queue, raw } = await sqliteFixture([queuedChecks])
    // Then one of them closes last and removes the write-ahead log.
    await queue.close()
    raw.close()
    const visitors = Array.from({ length: 4 }, () => startProgram(program('come-and-go'), file, '100'))
    expect(await race(visitors)).toEqual(Array(4).fill('done'))
  })
})

function openLock(file: string): { database: Database.Database; lock: WriteLock } {
  const database = openDatabase(file, { synchronous: 'NORMAL' })
  onTestFinished(() => {
    database.close()
  })
  return { database, lock: new WriteLock(database, () => {}) }
}

/** Starts all of them at once; returns the last line of each. */
async function race(programs: readonly Program[]): Promise<string[]> {
  for (const started of programs) expect(await started.line()).toBe('ready')
  for (const started of programs) started.say('go')
  return Promise.all(programs.map((started) => started.line()))
}
