import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { TaskError } from '../../src/task/task-error.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text(), length: column.integer() }))
const others = taskTable('others', (column) => ({ text: column.text() }))

/** What a note does is in its text. */
const note = defineProcessor({
  name: 'note',
  table: notes,
  retry: { attempts: 5, delay: '1h' },
  async perform({ text }) {
    if (text === 'fails with NUL') throw new TaskError('one\0two \ud800three', { isFinal: true })
    if (text === 'fails with a column')
      throw new TaskError('it is too long', { columns: { length: -1 }, isFinal: true })
    if (text === 'fails') throw new TaskError('no such host', { isFinal: true })
    return { length: text === 'is too long' ? -1 : text === 'is far too long' ? 2 ** 40 : 1 }
  },
})

const other = defineProcessor({ name: 'other', table: others, priority: 200, perform: () => {} })

for (const database of workerDatabases) {
  describe(`an end that cannot be written, on ${database.name}`, unless(database.missing), () => {
    const withNotes = async (...texts: string[]) => {
      const fixture = await database.with([note, other])
      await fixture.queue.enqueue(
        notes,
        texts.map((text) => ({ text })),
      )
      return fixture
    }
    const ended = async (sql: (text: string) => Promise<Record<string, unknown>[]>) =>
      (await sql('select status, error from notes order by id'))[0]!

    it('because the column of the result is gone fails the task at once', async () => {
      const fixture = await withNotes('works', 'works')
      await fixture.sql('alter table notes drop column length')
      const worker = new WorkerHere(fixture)
      expect(await worker.work({ drain: true })).toMatchObject({ succeeded: 0, failed: 2 })
      const { status, error } = await ended(fixture.sql)
      expect(status).toBe('failed')
      expect(error).toMatch(/^its end could not be written, "notes" refused its columns: .*length/)
      expect(await fixture.sql('select outcome from ops_runs')).toEqual([{ outcome: 'failed' }, { outcome: 'failed' }])
      expect(worker.log).not.toContain('retrying')
    })

    it('because of a constraint, or of a value out of range, fails the task at once', async () => {
      const fixture = await withNotes('is too long', 'is far too long')
      const { sql } = fixture
      const check = 'length is null or length between 0 and 1000'
      // SQLite adds no constraint to a table that exists.
      if (database.name === 'PostgreSQL') await sql(`alter table notes alter length type integer, add check (${check})`)
      else {
        await sql(`create trigger checked before update on notes when not (new.${check.replace('or length', 'or new.length')})
          begin select raise(abort, 'the length is out of range'); end`)
      }
      const worker = new WorkerHere(fixture)
      expect(await worker.work({ drain: true })).toMatchObject({ failed: 2 })
      for (const { error } of await sql('select error from notes')) {
        expect(error).toMatch(/^its end could not be written, "notes" refused its columns: /)
      }
      expect(worker.log).not.toContain('retrying')
    })

    it('keeps the error of a failure whose columns are refused', async () => {
      const fixture = await withNotes('fails with a column')
      await fixture.sql('alter table notes drop column length')
      await new WorkerHere(fixture).work({ drain: true })
      expect(await ended(fixture.sql)).toEqual({
        status: 'failed',
        error: expect.stringMatching(/^it is too long; its end could not be written, "notes" refused its columns: /),
      })
    })

    it('because of the text of its error fails the task with what is left of the error', async () => {
      const fixture = await withNotes('fails with NUL', 'works')
      const worker = new WorkerHere(fixture)
      expect(await worker.work({ drain: true })).toMatchObject({ succeeded: 1, failed: 1 })
      const { status, error } = await ended(fixture.sql)
      expect(status).toBe('failed')
      // SQLite stores any text.
      if (database.name === 'PostgreSQL') {
        expect(error).toMatch(/^its end could not be written, invalid byte sequence .*; its error was: one two three$/)
      }
      expect(worker.log).not.toContain('retrying')
    })

    it('even so is reported once, and the worker goes on with other tables', async () => {
      const fixture = await withNotes('fails', 'fails')
      await fixture.sql('alter table notes rename column error to problem')
      await fixture.queue.enqueue(others, [{ text: 'x' }])
      const worker = new WorkerHere(fixture)
      await worker.work({ drain: true })
      expect(await fixture.sql('select status from others')).toEqual([{ status: 'succeeded' }])
      expect(worker.log.match(/no more notes are claimed/g)).toHaveLength(1)
      expect(worker.log).toContain('ops migrate')
      expect(worker.log).not.toContain('retrying')
    })

    it('because the task table is gone is written when the table is back', async () => {
      const fixture = await database.with([
        defineProcessor({
          name: 'note',
          table: notes,
          async perform() {
            await fixture.sql('alter table notes rename to hidden')
            return { length: 7 }
          },
        }),
        other,
      ])
      await fixture.queue.enqueue(notes, [{ text: 'x' }])
      const worker = new WorkerHere(fixture)
      const working = worker.work()
      await until(() => worker.log.includes('no more notes are claimed'), 'the worker has given the table up')
      await fixture.queue.enqueue(others, [{ text: 'x' }])
      await until(
        async () => (await fixture.sql('select status from others'))[0]!.status === 'succeeded',
        'the other task is done',
      )
      await fixture.sql('alter table hidden rename to notes')
      await until(
        async () => (await fixture.sql('select status from notes'))[0]!.status === 'succeeded',
        'the end is written',
      )
      expect(await fixture.sql('select length from notes')).toEqual([{ length: 7 }])
      await until(() => worker.log.includes('claiming notes again'), 'the worker says so')
      worker.stop()
      await working
    })

    it('is written by a worker that stops right after the table is back', async () => {
      const fixture = await database.with([
        defineProcessor({
          name: 'note',
          table: notes,
          async perform() {
            await fixture.sql('alter table notes rename to hidden')
            return { length: 7 }
          },
        }),
      ])
      await fixture.queue.enqueue(notes, [{ text: 'x' }])
      const worker = new WorkerHere(fixture)
      const working = worker.work()
      await until(() => worker.log.includes('no more notes are claimed'), 'the worker has given the table up')
      await fixture.sql('alter table hidden rename to notes')
      worker.stop()
      await working
      expect(await fixture.sql('select status, length from notes')).toEqual([{ status: 'succeeded', length: 7 }])
    })

    it('does not keep a worker from recovering other runs', async () => {
      const { queue, processors, secondQueue, sql } = await database.with([note, other])
      await queue.enqueue(notes, [{ text: 'x' }])
      await queue.enqueue(others, [{ text: 'x' }])
      const dead = secondQueue()
      await dead.startWorker({ id: 'dead', host: 'here', pid: process.pid, version: '1' })
      for (const { queued } of processors) await dead.claim([queued])
      await dead.close()
      await sql('alter table notes rename to hidden')
      const worker = new WorkerHere({ queue, processors })
      await worker.work({ drain: true })
      expect(await sql('select status, error from others')).toEqual([{ status: 'failed', error: 'worker dead died' }])
      expect(worker.log).toContain('note 1 cannot be recovered')
    })
  })
}

describe('a task table without what ops keeps on it', unless(workerDatabases[1]!.missing), () => {
  it('gets it from the worker that starts, which claims from it', async () => {
    const fixture = await workerDatabases[1]!.with([note])
    const { queue, sql } = fixture
    await sql('drop function ops_notes_claim')
    await queue.enqueue(notes, [{ text: 'works' }])
    const worker = new WorkerHere(fixture)
    const working = worker.work()
    await until(() => worker.log.includes('note 1 succeeded'), 'the task is done')
    expect(worker.log).toContain('installed the triggers and indexes of notes again')
    expect(worker.log).not.toContain('no more notes are claimed')
    worker.stop()
    await working
  })
})

describe('a worker that is stopped while it cannot write an end', () => {
  /** A worker whose database fails once its task has run. */
  const cutOff = async () => {
    const fixture = await workerDatabases[0]!.with([note])
    await fixture.queue.enqueue(notes, [{ text: 'works' }])
    fixture.queue.settle = async () => {
      throw new Error('connection refused')
    }
    const worker = new WorkerHere(fixture)
    const working = worker.work()
    await until(() => worker.log.includes('settling a task failed: connection refused'), 'it has tried')
    return { worker, working }
  }

  it('stops at the end of its grace and leaves the run to recovery', async () => {
    const { worker, working } = await cutOff()
    worker.force()
    await working
    expect(worker.log).toMatch(
      /note 1: the end of run \d+ \(succeeded\) was not written: connection refused; the next worker recovers it/,
    )
  })

  it('stops long before a grace of minutes is over', async () => {
    const { worker, working } = await cutOff()
    const from = performance.now()
    worker.stop()
    await working
    expect(performance.now() - from).toBeLessThan(60_000)
    expect(worker.log).toContain('the next worker recovers it')
  })
})
