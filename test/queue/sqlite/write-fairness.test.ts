import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Connection } from '../../../src/queue/sqlite/connection.ts'
import { pause } from '../../../src/queue/sqlite/open-database.ts'
import { WriteFairness } from '../../../src/queue/sqlite/write-fairness.ts'
import { sqliteFixture } from '../../support/sqlite-fixture.ts'
import { startProgram } from '../../support/start-program.ts'
import { queuedChecks } from '../tables.ts'

const INSERTS = 20

/** A writer that sleeps between its attempts would let thousands of tasks pass if it never got its turn. */
const MOST_TASKS = 1500

it('a program that is not ops can write while a worker drains tasks without a pause', async () => {
  const { file, value } = await sqliteFixture([queuedChecks])
  const worker = new Connection(file, { synchronous: 'NORMAL' })
  onTestFinished(() => worker.close())
  const writer = startProgram(join(import.meta.dirname, 'programs', 'insert.ts'), file, String(INSERTS), '5')
  expect(await writer.line()).toBe('ready')
  writer.say('go')
  const written = () => value('select count(*) from checks')
  let tasks = 0
  for (; written() !== INSERTS && tasks < MOST_TASKS; tasks += 1) {
    await worker.fairness.betweenTasks()
    // The lock is held nearly all the time, as by a worker whose commits wait for the disk.
    await worker.lock.write(() => pause(1))
  }
  expect(tasks).toBeLessThan(MOST_TASKS)
  expect(await writer.line()).toBe('done')
})

it('a writer that has signaled gets a millisecond after each task', async () => {
  const fairness = new WriteFairness({
    isWriterWaiting: () => true,
    areOthersConnected: () => false,
    stopWatchingLog() {},
  })
  let restedMs = 0
  for (let task = 0; task < 20; task += 1) {
    pause(2)
    const startedAt = performance.now()
    await fairness.betweenTasks()
    restedMs += performance.now() - startedAt
  }
  // A timer may be early by part of a millisecond.
  expect(restedMs).toBeGreaterThan(10)
})
