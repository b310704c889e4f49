import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { WorkerLocks } from '../../../src/queue/sqlite/worker-lock.ts'
import { openQueue, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { startProgram } from '../../support/start-program.ts'
import { allTables } from '../tables.ts'

const live = join(import.meta.dirname, '..', 'programs', 'live.ts')
const worker = { id: 'one', host: 'here', pid: process.pid, version: '0' }

describe('the lock of a worker', () => {
  it('is free as soon as the process is gone', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const started = startProgram(live, `sqlite:${file}`, 'one')
    expect(await started.line()).toBe('up')
    started.kill('SIGKILL')
    await started.exit
    expect(await queue.isAlive('one')).toBe(false)
  })

  it('is a file that an orderly end removes, or recovery after a crash', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const lockFile = (id: string) => join(`${file}-workers`, `${id}.lock`)
    const orderly = startProgram(live, `sqlite:${file}`, 'orderly')
    const crashed = startProgram(live, `sqlite:${file}`, 'crashed')
    for (const started of [orderly, crashed]) expect(await started.line()).toBe('up')
    await queue.enqueue(allTables[0]!.table, [{}])
    crashed.say('claim')
    expect(await crashed.line()).toBe('check 1')
    orderly.say('close')
    expect(await orderly.line()).toBe('closed')
    expect(existsSync(lockFile('orderly'))).toBe(false)
    crashed.kill('SIGKILL')
    await crashed.exit
    expect(existsSync(lockFile('crashed'))).toBe(true)
    const [run] = await queue.openRuns()
    await queue.settleDead(run!, allTables[0]!, { kind: 'crashed', error: 'worker crashed died' })
    expect(existsSync(lockFile('crashed'))).toBe(false)
  })

  it('survives a look-up by another queue in the same process', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    await queue.startWorker(worker)
    const other = openQueue(file)
    expect(await other.isAlive('one')).toBe(true)
    expect(await other.isAlive('one')).toBe(true)
    // Seen from another process: the lock belongs to the process, and closing any handle of the file could have freed it.
    const outside = startProgram(join(import.meta.dirname, 'programs', 'is-alive.ts'), file, 'one')
    expect(await outside.line()).toBe('true')
  })

  it('cannot be taken twice', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const started = startProgram(live, `sqlite:${file}`, 'one')
    expect(await started.line()).toBe('up')
    expect(() => new WorkerLocks(file).acquire('one')).toThrow('The worker one already exists.')
    expect(await queue.isAlive('one')).toBe(true)
  })
})
