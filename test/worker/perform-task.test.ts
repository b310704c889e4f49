import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { TaskContext } from '../../src/processor/task-context.ts'
import { taskTable } from '../../src/task-table/task-table.ts'
import { EndOfTask } from '../../src/worker/end-of-task.ts'
import { type Performed, performTask } from '../../src/worker/perform-task.ts'
import { RunContext } from '../../src/worker/run-context.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const notes = taskTable('notes', (column) => ({ text: column.text(), count: column.integer() }))

type Work = (context: TaskContext, end: (reason: EndOfTask) => void) => unknown

/** Performs one real task with a processor that does this. */
async function perform(work: Work, { timeout, stuckAfter }: { timeout?: string; stuckAfter?: number } = {}) {
  let context: RunContext | undefined
  const processor = defineProcessor({
    name: 'note',
    table: notes,
    ...(timeout === undefined ? {} : { timeout }),
    perform: (_, given) => work(given, (reason) => context!.end(reason)) as undefined,
  })
  const table = toQueuedTable(processor, {})
  const { queue } = await sqliteFixture([table])
  await queue.enqueue(notes, [{ text: 'x' }])
  const claim = (await queue.claim([table]))!
  const stateDirectory = temporaryFolder()
  const environment = { queue, workerId: 'test', stateDirectory, projectDirectory: stateDirectory }
  context = new RunContext(claim, {}, environment)
  const performed: Performed = await performTask(claim, { processor }, context, stuckAfter)
  return { ...performed, log: context.logFile }
}

const forEver = () => new Promise<never>(() => {})

describe('performing a task', () => {
  it('comes to the columns that the processor returns, with a promise or without', async () => {
    const succeeded = { kind: 'succeeded', columns: { count: 1 } }
    expect((await perform(async () => ({ count: 1 }))).outcome).toEqual(succeeded)
    expect((await perform(() => ({ count: 1 }))).outcome).toEqual(succeeded)
  })

  it.each([undefined, null])('comes to no columns when the processor returns %s', async (nothing) => {
    expect((await perform(async () => nothing)).outcome).toEqual({ kind: 'succeeded', columns: {} })
  })

  it.each([
    [{ text: 'x', cuont: 1 }, 'cuont'],
    [{ status: 'failed' }, 'status'],
    ['done', 'string'],
    [42, 'number'],
  ])('fails when the processor returns %j', async (returned, got) => {
    expect((await perform(async () => returned)).outcome).toEqual({
      kind: 'failed',
      error: `the processor returned ${got}, and "notes" has the columns text, count`,
    })
  })

  it.each([
    ['an error', new Error('no disk\nand more'), 'no disk'],
    ['an error of execa', Object.assign(new Error('long\n\nout'), { shortMessage: 'short' }), 'short'],
    ['a text', 'plain', 'plain'],
    ['nothing', undefined, 'failed without a message'],
    ['an error without a message', new Error(''), 'failed without a message'],
    ['a very long line', new Error('x'.repeat(5000)), 'x'.repeat(1000)],
  ])('fails with one line when the processor throws %s', async (_, thrown, error) => {
    const { outcome, isStuck } = await perform(() => {
      throw thrown
    })
    expect({ outcome, isStuck }).toEqual({ outcome: { kind: 'failed', error }, isStuck: false })
  })

  it('writes the stack of what the processor throws to the log of the task', async () => {
    const { log } = await perform(async () => {
      throw new Error('no disk')
    })
    expect(readFileSync(log, 'utf8')).toMatch(/^Error: no disk\n +at .*perform-task\.test\.ts/)
  })

  it('times out a processor that waits for its signal', async () => {
    const work: Work = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const { outcome, isStuck, log } = await perform(work, { timeout: '20ms' })
    expect({ outcome, isStuck }).toEqual({
      outcome: { kind: 'timed_out', error: 'timed out after 20ms' },
      isStuck: false,
    })
    // The end was ops' own doing, and its stack says nothing.
    expect(existsSync(log)).toBe(false)
  })

  it('times out a processor that then returns as if nothing had happened', async () => {
    const work: Work = ({ signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ count: 1 })))
    const { outcome } = await perform(work, { timeout: '20ms' })
    expect(outcome).toEqual({ kind: 'timed_out', error: 'timed out after 20ms' })
  })

  it('gives up on a processor that never reacts to its signal, and says that it is stuck', async () => {
    const { outcome, isStuck } = await perform(forEver, { timeout: '20ms', stuckAfter: 50 })
    expect({ outcome, isStuck }).toEqual({
      outcome: { kind: 'timed_out', error: 'timed out after 20ms' },
      isStuck: true,
    })
  })

  it('is interrupted by the reason that its signal aborts with', async () => {
    const { outcome } = await perform(
      (_, end) => {
        end(EndOfTask.interrupted())
        return forEver()
      },
      { stuckAfter: 1 },
    )
    expect(outcome).toEqual({ kind: 'interrupted', error: 'interrupted by shutdown' })
  })

  it('has no outcome when the run was taken away', async () => {
    const { outcome } = await perform(async (_, end) => end(EndOfTask.takenAway()))
    expect(outcome).toBeUndefined()
  })

  it('starts no program any more once the task must end', async () => {
    const { outcome, log } = await perform(async ({ exec, signal }, end) => {
      end(EndOfTask.interrupted())
      await exec('sh', ['-c', 'echo started']).catch(() => {})
      expect(signal.aborted).toBe(true)
    })
    expect(outcome).toEqual({ kind: 'interrupted', error: 'interrupted by shutdown' })
    expect(existsSync(log) && readFileSync(log, 'utf8')).not.toContain('started')
  })

  it('passes on the failure to start a program that does not exist', async () => {
    const { outcome } = await perform(({ exec }) => exec('/no/such/program'))
    expect(outcome).toMatchObject({ kind: 'failed', error: expect.stringContaining('/no/such/program') })
  })
})
