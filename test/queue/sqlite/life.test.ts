import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Lives } from '../../../src/queue/sqlite/life.ts'
import { openQueue, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { startProgram } from '../../support/start-program.ts'
import { allTables } from '../tables.ts'

const live = join(import.meta.dirname, '..', 'programs', 'live.ts')
const worker = { id: 'one', host: 'here', pid: process.pid, version: '0' }

describe('a life', () => {
  it('is over the moment the process is gone', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const started = startProgram(live, `sqlite:${file}`, 'one')
    expect(await started.line()).toBe('up')
    started.kill('SIGKILL')
    await started.exit
    expect(await queue.isAlive('one')).toBe(false)
  })

  it('is a file that an orderly end takes away, and that recovery takes away after a crash', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const lifeFile = (id: string) => join(`${file}-workers`, `${id}.life`)
    const orderly = startProgram(live, `sqlite:${file}`, 'orderly')
    const crashed = startProgram(live, `sqlite:${file}`, 'crashed')
    for (const started of [orderly, crashed]) expect(await started.line()).toBe('up')
    await queue.enqueue(allTables[0]!.table, [{}])
    crashed.say('claim')
    expect(await crashed.line()).toBe('check 1')
    orderly.say('close')
    expect(await orderly.line()).toBe('closed')
    expect(existsSync(lifeFile('orderly'))).toBe(false)
    crashed.kill('SIGKILL')
    await crashed.exit
    expect(existsSync(lifeFile('crashed'))).toBe(true)
    const [run] = await queue.openRuns()
    await queue.settleDead(run!, allTables[0]!, { kind: 'crashed', error: 'worker crashed died' })
    expect(existsSync(lifeFile('crashed'))).toBe(false)
  })

  it('is not ended by another queue in the same process that asks for it', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    await queue.startWorker(worker)
    const other = openQueue(file)
    expect(await other.isAlive('one')).toBe(true)
    expect(await other.isAlive('one')).toBe(true)
    // Seen from outside: the lock is that of the process, and closing any handle of the file could have freed it.
    const outside = startProgram(join(import.meta.dirname, 'programs', 'is-alive.ts'), file, 'one')
    expect(await outside.line()).toBe('true')
  })

  it('cannot be begun twice', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    const started = startProgram(live, `sqlite:${file}`, 'one')
    expect(await started.line()).toBe('up')
    expect(() => new Lives(file).begin('one')).toThrow('There is a worker one already.')
    expect(await queue.isAlive('one')).toBe(true)
  })
})
