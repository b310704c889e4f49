import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { TaskContext } from '../../src/processor/task-context.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { AbortReason } from '../../src/worker/abort-reason.ts'
import { type Performed, performTask } from '../../src/worker/perform-task.ts'
import { RunContext } from '../../src/worker/run-context.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const notes = taskTable('notes', (column) => ({ text: column.text(), count: column.integer() }))

type Work = (context: TaskContext, end: (reason: AbortReason) => void) => unknown

/** Performs one real task with this processor. */
async function perform(work: Work, { timeout, stuckAfter }: { timeout?: string; stuckAfter?: number } = {}) {
  let context: RunContext | undefined
  const processor = defineProcessor({
    name: 'note',
    table: notes,
    ...(timeout === undefined ? {} : { timeout }),
    perform: (_, given) => work(given, (reason) => context!.abort(reason)) as undefined,
  })
  const table = toQueuedTable(processor, {})
  const { queue } = await sqliteFixture([table])
  await queue.enqueue(notes, [{ text: 'x' }])
  const claim = (await queue.claim([table]))!
  const stateDirectory = temporaryFolder()
  const environment = { queue, workerId: 'test', stateDirectory, projectDirectory: stateDirectory }
  context = new RunContext(claim, {}, environment)
  const performed: Performed = await performTask(claim, { processor }, context, stuckAfter)
  return { ...performed, log: context.logFile, queue }
}

const forEver = () => new Promise<never>(() => {})

describe('performing a task', () => {
  it('results in the columns that the processor returns, with or without a promise', async () => {
    const succeeded = { kind: 'succeeded', columns: { count: 1 } }
    expect((await perform(async () => ({ count: 1 }))).outcome).toEqual(succeeded)
    expect((await perform(() => ({ count: 1 }))).outcome).toEqual(succeeded)
  })

  it.each([undefined, null])('results in no columns when the processor returns %s', async (nothing) => {
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
      error: `the processor returned ${got}; the columns of "notes" are text, count`,
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

  it('writes the stack of an error to the log of the task', async () => {
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
    // ops ended it, so a stack would say nothing.
    expect(existsSync(log)).toBe(false)
  })

  it('times out a processor that then returns as if nothing had happened', async () => {
    const work: Work = ({ signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ count: 1 })))
    const { outcome } = await perform(work, { timeout: '20ms' })
    expect(outcome).toEqual({ kind: 'timed_out', error: 'timed out after 20ms' })
  })

  it('gives up on a processor that ignores its signal, and reports it as stuck', async () => {
    const { outcome, isStuck } = await perform(forEver, { timeout: '20ms', stuckAfter: 50 })
    expect({ outcome, isStuck }).toEqual({
      outcome: { kind: 'timed_out', error: 'timed out after 20ms' },
      isStuck: true,
    })
  })

  it('is interrupted by the reason that its signal aborts with', async () => {
    const { outcome } = await perform(
      (_, end) => {
        end(AbortReason.interrupted())
        return forEver()
      },
      { stuckAfter: 1 },
    )
    expect(outcome).toEqual({ kind: 'interrupted', error: 'interrupted by shutdown' })
  })

  it('has no outcome when the run was taken away', async () => {
    const { outcome } = await perform(async (_, end) => end(AbortReason.takenAway()))
    expect(outcome).toBeUndefined()
  })

  it('starts no more programs once the task must end', async () => {
    const { outcome, log } = await perform(async ({ exec, signal }, end) => {
      end(AbortReason.interrupted())
      await exec('sh', ['-c', 'echo started']).catch(() => {})
      expect(signal.aborted).toBe(true)
    })
    expect(outcome).toEqual({ kind: 'interrupted', error: 'interrupted by shutdown' })
    expect(existsSync(log) && readFileSync(log, 'utf8')).not.toContain('started')
  })

  it('gives the result of a program, also of one that fails where that is requested', async () => {
    const { outcome } = await perform(async ({ exec }) => {
      const { durationMs, ...result } = await exec('sh', ['-c', 'echo out'], { cwd: '/' })
      expect(durationMs).toBeGreaterThan(0)
      expect(result).toEqual({
        command: 'sh -c echo out',
        cwd: '/',
        failed: false,
        timedOut: false,
        exitCode: 0,
        signal: undefined,
        stdout: 'out',
        stderr: '',
      })
      expect(await exec('sh', ['-c', 'exit 3'], { reject: false })).toMatchObject({ failed: true, exitCode: 3 })
      expect(await exec('/no/such/program', [], { reject: false })).toMatchObject({ failed: true, code: 'ENOENT' })
    })
    expect(outcome).toEqual({ kind: 'succeeded', columns: {} })
  })

  it('enqueues other tasks, with the task as the actor', async () => {
    const { outcome, queue } = await perform(async ({ enqueue, find }) => {
      const runAt = new Date(Date.now() + 3_600_000)
      const added = await enqueue(notes, { text: 'later' }, { runAt, now: true })
      expect(added).toEqual({ id: 2, isNew: true })
      expect(await find(notes, added.id)).toMatchObject({ text: 'later', runAt })
      expect(await enqueue(notes, [{ text: 'a' }, { text: 'b' }])).toMatchObject([{ id: 3 }, { id: 4 }])
      await expect(enqueue(notes, { txt: 'x' } as never)).rejects.toThrow('did you mean "text"?')
    })
    expect(outcome).toEqual({ kind: 'succeeded', columns: {} })
    const enqueued = (await queue.records.audit({ limit: 10 })).filter(({ event }) => event === 'enqueued')
    expect(enqueued.map(({ actor }) => actor)).toEqual([undefined, 'note 1', 'note 1', 'note 1'])
  })

  it('rejects when a program does not exist', async () => {
    const { outcome } = await perform(({ exec }) => exec('/no/such/program'))
    expect(outcome).toMatchObject({ kind: 'failed', error: expect.stringContaining('/no/such/program') })
  })
})
