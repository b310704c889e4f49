import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Claim, Queue, QueuedTable, Run, TaskId, WakeReason } from '../../src/queue/queue.ts'
import { missingColumns } from '../../src/queue/table-columns.ts'
import type { Status } from '../../src/task/lifecycle.ts'
import type { Outcome, Return } from '../../src/task/outcome.ts'
import { startProgram } from '../support/start-program.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'
import {
  allTables,
  builds,
  checks,
  deployments,
  queuedBuilds,
  queuedChecks,
  queuedDeployments,
  queuedReleases,
  queuedSyncs,
  releases,
  rollbacks,
  syncs,
} from './tables.ts'

/** A migrated database with the tables, removed after the test. */
export interface QueueFixture {
  readonly queue: Queue
  /** For other processes to open the same database. */
  readonly url: string
  /** The actor in the audit if none is given; null if the database has no users. */
  readonly shellActor: string | null
  /** Another connection to the same database. */
  secondQueue(): Promise<Queue>
  /** Runs a statement like a person in an SQL shell. */
  sql(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const succeeded = { kind: 'succeeded', columns: {} } as const satisfies Outcome
const failed = { kind: 'failed', error: 'no such host' } as const satisfies Outcome
const hour = 3_600_000
const forever = new AbortController().signal
const program = (name: string) => join(import.meta.dirname, 'programs', `${name}.ts`)

/** The contract of a queue, which every database must keep. */
export function queueConformance(name: string, open: (tables: readonly QueuedTable[]) => Promise<QueueFixture>): void {
  describe(`a queue on ${name}`, () => {
    describe('migrating', () => {
      const notes = () => {
        const directory = temporaryFolder()
        for (const dialect of ['sqlite', 'postgres']) {
          mkdirSync(join(directory, dialect))
          writeFileSync(join(directory, dialect, '0000_notes.sql'), 'create table notes (text text)')
        }
        return { name: 'ops-plugin-notes', directory }
      }

      it('performs pending steps once and returns them', async () => {
        const { queue, sql } = await open(allTables)
        const source = notes()
        const step = { kind: 'migration', source: 'ops-plugin-notes', name: '0000_notes', change: 'create' }
        expect(await queue.migrate([source], allTables)).toEqual([step])
        expect(await sql('select text from notes')).toEqual([])
        expect(await queue.migrate([source], allTables)).toEqual([])
        expect(await queue.planMigration([source], allTables)).toEqual([])
      })

      it('plans without changing anything', async () => {
        const { queue, sql } = await open(allTables)
        const source = notes()
        const planned = await queue.planMigration([source], allTables)
        expect(planned).toHaveLength(1)
        await expect(sql('select text from notes')).rejects.toThrow('notes')
        expect(await queue.planMigration([source], allTables)).toEqual(planned)
        expect(await queue.migrate([source], allTables)).toEqual(planned)
      })

      it('finds the missing columns of a table', async () => {
        const { queue, sql } = await open([queuedChecks])
        expect(await missingColumns(queue.records, checks)).toEqual([])
        await sql('alter table checks drop column url')
        expect(await missingColumns(queue.records, checks)).toEqual(['url'])
        expect(await missingColumns(queue.records, builds)).toBeUndefined()
      })

      it('lists the columns of any table', async () => {
        const { queue } = await open(allTables)
        const columns = (await queue.records.columns('deployments'))!
        const column = (name: string) => columns.find((each) => each.name === name)
        expect(columns[0]!.name).toBe('id')
        expect(column('status')).toMatchObject({ type: 'text', isNotNull: true, hasDefault: true })
        expect(column('attempt')).toMatchObject({ type: 'integer', isNotNull: true, hasDefault: true })
        expect(column('progress')).toMatchObject({ type: 'real', isNotNull: false, hasDefault: false })
        expect(column('build_id')).toMatchObject({ isNotNull: false, references: 'builds' })
        expect(await queue.records.columns('no_such_table')).toBeUndefined()
      })
    })

    describe('enqueue', () => {
      it('returns ids that grow in the order of the rows', async () => {
        const { queue } = await open(allTables)
        const ids = await add(queue, checks, [{ url: 'a' }, { url: 'b' }, { url: 'c' }])
        expect(ids).toEqual([...ids].sort((a, b) => Number(a) - Number(b)))
        const tasks = await Promise.all(ids.map((id) => queue.find(checks, id)))
        expect(tasks.map((task) => task!.url)).toEqual(['a', 'b', 'c'])
      })

      it('writes all rows or none', async () => {
        const { queue, sql, shellActor } = await open(allTables)
        const rows = [{ repository: 'a' }, { repository: null }, { repository: 'b' }]
        await expect(queue.enqueue(builds, rows, { actor: 'ada' })).rejects.toThrow('repository')
        expect(await sql('select * from builds')).toEqual([])
        expect(await sql('select * from ops_audit')).toEqual([])
        await queue.enqueue(builds, [{ repository: 'a' }])
        expect(await sql('select actor from ops_audit')).toEqual([{ actor: shellActor }])
      })

      it('writes nothing if the iterator of rows throws', async () => {
        const { queue, sql } = await open(allTables)
        function* rows() {
          yield { repository: 'a' }
          throw new Error('line 2 is not JSON')
        }
        await expect(queue.enqueue(builds, rows())).rejects.toThrow('line 2 is not JSON')
        expect(await sql('select * from builds')).toEqual([])
      })

      it('creates a pending task with the time of the insert', async () => {
        const { queue } = await open(allTables)
        const before = Date.now()
        const [id] = await add(queue, checks, [{ url: 'a', result: { code: 200 } }])
        const after = Date.now()
        const task = (await queue.find(checks, id!))!
        expect(task).toMatchObject({ id, status: 'pending', attempt: 0, url: 'a', result: { code: 200 } })
        expect(task).toMatchObject({ startedAt: null, finishedAt: null, error: null, progress: null })
        for (const instant of [task.createdAt, task.runAt] as Date[]) {
          expect(instant.getTime()).toBeGreaterThanOrEqual(before - 1)
          expect(instant.getTime()).toBeLessThanOrEqual(after + 1)
        }
      })

      it('refuses a reference to a task that does not exist', async () => {
        const { queue, sql } = await open(allTables)
        await expect(queue.enqueue(deployments, [{ buildId: 7 }])).rejects.toThrow(/foreign key/i)
        expect(await sql('select * from deployments')).toEqual([])
      })
    })

    describe('the order of tasks', () => {
      it('is by id if they were added together', async () => {
        const { queue } = await open(allTables)
        const ids = await add(queue, checks, [{}, {}, {}])
        expect(await claimAll(queue, [queuedChecks])).toEqual(ids.map((id) => `check ${id}`))
      })

      it('is by run_at before id', async () => {
        const { queue } = await open(allTables)
        const [now] = await add(queue, checks, [{}])
        const [earlier] = await add(queue, checks, [{}], { runAt: new Date(Date.now() - hour) })
        const [earliest] = await add(queue, checks, [{}], { runAt: new Date(Date.now() - 2 * hour) })
        expect(await claimAll(queue, [queuedChecks])).toEqual([earliest, earlier, now].map((id) => `check ${id}`))
      })

      it('is by table first, and starts at the first table again after each task', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, [{ environment: 'a' }])
        await queue.enqueue(builds, [{ repository: 'a' }])
        const first = (await queue.claim(allTables))!
        expect(nameOf(first)).toBe('build 1')
        await queue.enqueue(checks, [{}])
        const { next } = await queue.settle(first.run, succeeded, allTables)
        expect(nameOf(next)).toBe('check 1')
        expect(nameOf(await queue.claim(allTables))).toBe('deployment 1')
      })

      it('leaves a scheduled task until it is due', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + hour) })
        expect(await queue.claim(allTables)).toBeUndefined()
        await queue.enqueue(checks, [{}])
        expect(nameOf(await queue.claim(allTables))).toBe('check 2')
        expect(await queue.claim(allTables)).toBeUndefined()
      })

      it('makes a scheduled task due at its place by created_at', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + hour) })
        await queue.enqueue(checks, [{}])
        await queue.makeDue(checks, 1)
        expect(await claimAll(queue, [queuedChecks])).toEqual(['check 1', 'check 2'])
      })

      it('considers only the given tables', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        expect(await queue.claim([queuedBuilds, queuedDeployments])).toBeUndefined()
      })
    })

    describe('a claim', () => {
      it('returns the row of the task as it is when the run starts', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{ url: 'a', result: { code: 200 } }])
        const before = Date.now()
        const { run, task } = (await queue.claim(allTables))!
        expect(task).toEqual(await queue.find(checks, 1))
        expect(task).toMatchObject({ id: 1, status: 'ongoing', attempt: 1, url: 'a', result: { code: 200 } })
        expect((task.startedAt as Date).getTime()).toBeGreaterThanOrEqual(before - 1)
        expect(run).toMatchObject({ taskId: 1, attempt: 1, deadlineAt: undefined })
      })

      it('is committed before any work starts', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        expect(await sql('select status, attempt from checks')).toEqual([{ status: 'ongoing', attempt: 1 }])
        expect(await sql('select id, task_table, task_id, attempt from ops_runs where ended_at is null')).toEqual([
          { id: run.id, task_table: 'checks', task_id: 1, attempt: 1 },
        ])
      })

      it('sets the deadline by the timeout of the processor', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }])
        const before = Date.now()
        const { run } = (await queue.claim(allTables))!
        expect(run.deadlineAt!.getTime() - before).toBeGreaterThanOrEqual(queuedBuilds.timeout! - 1)
        expect(run.deadlineAt!.getTime() - Date.now()).toBeLessThanOrEqual(queuedBuilds.timeout!)
        expect(await queue.openRuns()).toMatchObject([{ id: run.id, deadlineAt: run.deadlineAt }])
      })

      it('hands a task to one of two queues only', async () => {
        const { queue, secondQueue } = await open(allTables)
        const other = await secondQueue()
        const ids = await add(
          queue,
          checks,
          Array.from({ length: 40 }, () => ({})),
        )
        const claims = await Promise.all(ids.flatMap(() => [queue.claim([queuedChecks]), other.claim([queuedChecks])]))
        const taken = claims.flatMap((claim) => (claim ? [claim.run.taskId] : []))
        expect(taken.sort((a, b) => Number(a) - Number(b))).toEqual(ids)
      })

      it('hands a task to one of two processes only', async () => {
        const { queue, url, sql } = await open(allTables)
        await queue.enqueue(
          checks,
          Array.from({ length: 300 }, () => ({})),
        )
        const drains = ['one', 'two'].map((id) => startProgram(program('drain'), url, id))
        for (const drain of drains) expect(await drain.line()).toBe('ready')
        for (const drain of drains) drain.say('go')
        const ids: number[] = []
        for (const drain of drains) ids.push(...(JSON.parse(await drain.line()) as number[]))
        expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
        const counts = 'select count(*) as n from ops_runs where attempt = 1 and ended_at is not null'
        expect(Number((await sql(counts))[0]!.n)).toBe(300)
      })

      it('counts on after a number of attempts that is none', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}, {}, {}])
        await sql('update checks set attempt = 2147483647 where id = 1')
        await sql('update checks set attempt = -5 where id = 2')
        const first = (await queue.claim([queuedChecks]))!
        const { next } = await queue.settle(first.run, { kind: 'succeeded', columns: {} }, [queuedChecks])
        expect([first.run, next?.run].map((run) => run?.attempt)).toEqual([2_147_483_647, 1])
      })

      it('clears what the previous attempt left on the task', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        await queue.report(run, { fraction: 0.5, note: 'half' })
        await queue.settle(run, failed)
        expect(await queue.find(checks, 1)).toMatchObject({ status: 'failed', error: failed.error, progress: 0.5 })
        await sql(`update checks set status = 'pending' where id = 1`)
        const { task } = (await queue.claim(allTables))!
        expect(task).toMatchObject({ finishedAt: null, error: null, progress: null, progressNote: null })
      })
    })

    describe('an attempt', () => {
      it('is counted, and its run has a higher id', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const runs: Run[] = []
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          const { run, task } = (await queue.claim(allTables))!
          expect(run.attempt).toBe(attempt)
          expect(task.attempt).toBe(attempt)
          await queue.settle(run, failed)
          await sql(`update checks set status = 'pending' where id = 1`)
          runs.push(run)
        }
        const ids = runs.map(({ id }) => id)
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
        expect(await sql('select attempt, outcome, error from ops_runs order by id')).toEqual(
          [1, 2, 3].map((attempt) => ({ attempt, outcome: 'failed', error: failed.error })),
        )
      })

      it('never reuses the id of a run, since none can be deleted', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}, {}, {}])
        const first = (await queue.claim(allTables))!
        const { next: second } = await queue.settle(first.run, succeeded, allTables)
        await queue.settle(second!.run, succeeded)
        for (const { run } of [first, second!])
          await expect(sql(`delete from ops_runs where id = ${run.id}`)).rejects.toThrow('a run is not deleted')
        expect((await queue.claim(allTables))!.run.id).toBeGreaterThan(second!.run.id)
      })
    })

    describe('exclusivity', () => {
      it('by table allows one task of the table', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
        const first = (await queue.claim(allTables))!
        expect(await queue.claim(allTables)).toBeUndefined()
        const { next } = await queue.settle(first.run, failed, allTables)
        expect(nameOf(next)).toBe('build 2')
      })

      it('by column skips tasks whose key is taken', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, ['a', 'a', 'b', 'a', 'b'].map(toEnvironment))
        expect(await claimAll(queue, [queuedDeployments])).toEqual(['deployment 1', 'deployment 3'])
      })

      it('passes a released key to the first task that waits for it', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, ['a', 'b', 'a', 'a'].map(toEnvironment))
        const first = (await queue.claim(allTables))!
        expect(nameOf(await queue.claim(allTables))).toBe('deployment 2')
        const { next } = await queue.settle(first.run, succeeded, allTables)
        expect(nameOf(next)).toBe('deployment 3')
      })

      it('is shared by tables with the same column', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, ['a'].map(toEnvironment))
        await queue.enqueue(rollbacks, ['a', 'b'].map(toEnvironment))
        const first = (await queue.claim(allTables))!
        expect(nameOf(first)).toBe('deployment 1')
        expect(nameOf(await queue.claim(allTables))).toBe('rollback 2')
        expect(await queue.claim(allTables)).toBeUndefined()
        const { next } = await queue.settle(first.run, succeeded, allTables)
        expect(nameOf(next)).toBe('rollback 1')
      })

      it('does not apply to a task whose column is null', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, [null, null].map(toEnvironment))
        expect(await claimAll(queue, [queuedDeployments])).toEqual(['deployment 1', 'deployment 2'])
      })

      it.each([
        ['of another key', 'free'],
        ['without a key', null],
      ])('never delays a task %s behind 200 waiting ones', async (_, environment) => {
        const { queue } = await open(allTables)
        const waiting = Array.from({ length: 200 }, (_, index) => toEnvironment(index % 2 === 0 ? 'a' : 'b'))
        await queue.enqueue(deployments, [...waiting, toEnvironment(environment)])
        expect(await claimAll(queue, [queuedDeployments])).toEqual(['deployment 1', 'deployment 2', 'deployment 201'])
      })

      it('keeps the order by run_at among the keys behind 200 waiting tasks', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(
          deployments,
          Array.from({ length: 201 }, () => toEnvironment('busy')),
        )
        await queue.enqueue(deployments, ['c', null, 'b', 'a', 'c'].map(toEnvironment))
        const order = await claimAll(queue, [queuedDeployments])
        expect(order).toEqual([1, 202, 203, 204, 205].map((id) => `deployment ${id}`))
      })

      it('holds for two queues that claim at the same time', async () => {
        const { queue, secondQueue } = await open(allTables)
        const other = await secondQueue()
        await queue.enqueue(
          deployments,
          Array.from({ length: 20 }, () => toEnvironment('a')),
        )
        const claims = await Promise.all(
          Array.from({ length: 10 }, () => [queue.claim(allTables), other.claim(allTables)]).flat(),
        )
        expect(claims.filter(Boolean)).toHaveLength(1)
      })
    })

    describe('settle', () => {
      it('writes the task, the end of the run and the audit, and claims the next task', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
        const { run } = (await queue.claim(allTables))!
        await queue.report(run, { fraction: 0.5, note: 'compiling' })
        const { held, next } = await queue.settle(run, { kind: 'succeeded', columns: { revision: 'abc' } }, allTables)
        expect(held).toBe(true)
        expect(nameOf(next)).toBe('build 2')
        const task = (await queue.find(builds, 1))!
        expect(task).toMatchObject({
          status: 'succeeded',
          revision: 'abc',
          error: null,
          progress: 1,
          progressNote: null,
        })
        expect(task.finishedAt).toBeInstanceOf(Date)
        expect(await sql(`select outcome, error from ops_runs where id = ${run.id}`)).toEqual([
          { outcome: 'succeeded', error: null },
        ])
        expect(await sql('select event from ops_audit where task_id = 1 order by id')).toEqual(
          ['enqueued', 'started', 'succeeded'].map((event) => ({ event })),
        )
      })

      it.each([
        ['failed', 'no such host'],
        ['timed_out', 'timed out after 10m'],
        ['interrupted', 'interrupted by shutdown'],
        ['crashed', 'worker one died'],
      ] as const)('fails a task with the outcome %s, which the run keeps', async (kind, error) => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await queue.claim(allTables))!
        expect(await queue.settle(run, { kind, error })).toEqual({ held: true, next: undefined })
        expect(await queue.find(builds, 1)).toMatchObject({ status: 'failed', error })
        expect(await sql('select outcome, error from ops_runs')).toEqual([{ outcome: kind, error }])
      })

      it('writes all or nothing', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}, {}])
        await queue.enqueue(deployments, [{ environment: 'a' }])
        const { run } = (await queue.claim([queuedDeployments]))!
        const outcome: Outcome = { kind: 'succeeded', columns: { buildId: 99 } }
        await expect(queue.settle(run, outcome, allTables)).rejects.toThrow(/foreign key/i)
        expect(await queue.stateOf(run)).toEqual({ isHeld: true, cancelRequestedBy: undefined })
        expect(await queue.find(deployments, 1)).toMatchObject({ status: 'ongoing' })
        expect(await sql(`select id from checks where status <> 'pending'`)).toEqual([])
        expect(await sql(`select event from ops_audit where task_table = 'deployments' order by id`)).toEqual([
          { event: 'enqueued' },
          { event: 'started' },
        ])
        expect(await queue.settle(run, succeeded)).toMatchObject({ held: true })
      })

      it('writes the columns of a failure too', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await queue.claim(allTables))!
        expect(await queue.settle(run, { ...failed, columns: { revision: 'abc' } })).toMatchObject({ held: true })
        expect(await queue.find(builds, 1)).toMatchObject({ status: 'failed', error: failed.error, revision: 'abc' })
      })

      it('claims nothing if no tables are given', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}, {}])
        const { run } = (await queue.claim(allTables))!
        expect(await queue.settle(run, succeeded)).toEqual({ held: true, next: undefined })
        expect(await queue.openRuns()).toEqual([])
      })
    })

    describe('a run that was taken away', () => {
      const takenAway = async () => {
        const fixture = await open(allTables)
        const { queue, secondQueue } = fixture
        await queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await queue.claim(allTables))!
        const other = await secondQueue()
        const [taken] = await other.openRuns()
        await other.settleDead(taken!, queuedBuilds, { kind: 'crashed', error: 'worker ops died' })
        return { ...fixture, run }
      }

      it.each([succeeded, failed, { kind: 'timed_out', error: 'late' }] as const)(
        'cannot be settled as $kind',
        async (outcome) => {
          const { queue, sql, run } = await takenAway()
          const before = await everything(sql)
          expect(await queue.settle(run, outcome)).toEqual({ held: false, next: undefined })
          expect(await everything(sql)).toEqual(before)
        },
      )

      it('cannot settle the next attempt', async () => {
        const { queue, sql, run } = await takenAway()
        await sql(`update builds set status = 'pending' where id = 1`)
        const second = (await queue.claim(allTables))!
        const before = await everything(sql)
        for (const outcome of [succeeded, failed, { kind: 'crashed', error: 'late' }] as const)
          expect(await queue.settle(run, outcome)).toEqual({ held: false, next: undefined })
        expect(await everything(sql)).toEqual(before)
        expect(await queue.settle(second.run, succeeded)).toMatchObject({ held: true })
      })

      it('cannot report progress or record processes', async () => {
        const { queue, sql, run } = await takenAway()
        await sql(`update builds set status = 'pending' where id = 1`)
        await queue.claim(allTables)
        const before = await everything(sql)
        expect(await queue.report(run, { fraction: 0.5, note: 'late' })).toBe(false)
        expect(await queue.recordProcessGroups(run, 'boot', [{ id: 1, startTime: 2 }])).toBe(false)
        expect((await queue.stateOf(run)).isHeld).toBe(false)
        expect(await everything(sql)).toEqual(before)
      })

      it('can report and record processes while it is open', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await queue.claim(allTables))!
        expect(await queue.stateOf(run)).toEqual({ isHeld: true, cancelRequestedBy: undefined })
        expect(await queue.report(run, { fraction: 0.25, note: undefined })).toBe(true)
        expect(await queue.find(builds, 1)).toMatchObject({ progress: 0.25, progressNote: null })
        const groups = [
          { id: 4711, startTime: 99 },
          { id: 4712, startTime: undefined },
        ]
        expect(await queue.recordProcessGroups(run, 'boot', groups)).toBe(true)
        expect(await queue.openRuns()).toMatchObject([
          { bootId: 'boot', processGroups: [{ id: 4711, startTime: 99 }, { id: 4712 }] },
        ])
      })
    })

    describe('the run of a worker that died', () => {
      it('is settled once', async () => {
        const { queue, secondQueue, sql } = await open(allTables)
        const other = await secondQueue()
        await queue.enqueue(builds, [{ repository: 'a' }])
        await queue.claim(allTables)
        const [run] = await other.openRuns()
        const outcome: Outcome = { kind: 'crashed', error: 'worker one died' }
        const decisions = [queue, other, other].map((decider) => decider.settleDead(run!, queuedBuilds, outcome))
        expect((await Promise.all(decisions)).filter(Boolean)).toHaveLength(1)
        expect(await queue.find(builds, 1)).toMatchObject({ status: 'failed', error: 'worker one died' })
        expect(await sql('select outcome from ops_runs')).toEqual([{ outcome: 'crashed' }])
        expect(await sql(`select run_id from ops_audit where event = 'recovered'`)).toEqual([{ run_id: run!.id }])
      })

      it('knows how often the task has crashed and how long it is overdue', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}])
        await queue.enqueue(builds, [{ repository: 'a' }])
        for (let crashes = 0; crashes < 3; crashes += 1) {
          await queue.claim([queuedChecks])
          const [run] = await queue.openRuns()
          expect(run).toMatchObject({ crashes, overdue: undefined })
          await queue.settleDead(run!, queuedChecks, { kind: 'crashed', error: 'worker one died', return: {} })
        }
        expect(await sql(`select count(*) as n from ops_audit where event = 'returned'`)).toEqual([{ n: 3 }])
        await queue.claim([{ ...queuedBuilds, timeout: 1 }])
        await until(async () => ((await queue.openRuns())[0]!.overdue ?? 0) > 0, 'the run is overdue')
        expect(await queue.openRuns()).toMatchObject([{ crashes: 0 }])
      })

      it('frees its exclusivity key when it is settled', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
        await queue.claim(allTables)
        expect(await queue.claim(allTables)).toBeUndefined()
        const [run] = await queue.openRuns()
        await queue.settleDead(run!, queuedBuilds, { kind: 'crashed', error: 'worker one died' })
        expect(nameOf(await queue.claim(allTables))).toBe('build 2')
      })
    })

    describe('waiting for work', () => {
      it("ends with another process's commit", async () => {
        const { queue, url } = await open(allTables)
        const writer = startProgram(program('enqueue'), url, 'checks', '1')
        expect(await writer.line()).toBe('ready')
        await nothingNew(queue)
        const waiting = timed(queue.waitForWork(allTables, 25_000, forever))
        writer.say('go')
        const { reason, milliseconds } = await waiting
        expect(reason).toBe('changed')
        expect(milliseconds).toBeLessThan(20_000)
        expect(nameOf(await claimSoon(queue))).toBe('check 1')
        expect(await writer.line()).toBe('done')
      })

      it('ends with the commit of a client other than ops', async () => {
        const { queue, sql } = await open(allTables)
        await nothingNew(queue)
        const waiting = timed(queue.waitForWork(allTables, 25_000, forever))
        await sql(`insert into checks (url) values ('a')`)
        const { reason, milliseconds } = await waiting
        expect(reason).toBe('changed')
        expect(milliseconds).toBeLessThan(20_000)
        expect(nameOf(await claimSoon(queue))).toBe('check 1')
      })

      it('notices a commit between the claim and the wait', async () => {
        const { queue, sql } = await open(allTables)
        await nothingNew(queue)
        expect(await queue.claim(allTables)).toBeUndefined()
        await sql(`insert into checks (url) values ('a')`)
        const { reason, milliseconds } = await timed(queue.waitForWork(allTables, 25_000, forever))
        expect(reason).toBe('changed')
        expect(milliseconds).toBeLessThan(20_000)
      })

      it('ends when the first task is due', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + hour) })
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + 300) })
        await nothingNew(queue)
        const { reason, milliseconds } = await timed(queue.waitForWork(allTables, 25_000, forever))
        expect(reason).toBe('due')
        expect(milliseconds).toBeLessThan(20_000)
        expect(nameOf(await claimSoon(queue))).toBe('check 2')
      })

      it('ends when the signal aborts', async () => {
        const { queue } = await open(allTables)
        await nothingNew(queue)
        const stop = new AbortController()
        const waiting = queue.waitForWork(allTables, 25_000, stop.signal)
        stop.abort()
        expect(await waiting).toBe('stopped')
        expect(await queue.waitForWork(allTables, 25_000, stop.signal)).toBe('stopped')
      })

      it('ends with the poll interval', async () => {
        const { queue } = await open(allTables)
        await nothingNew(queue)
        expect(await queue.waitForWork(allTables, 20, forever)).toBe('poll')
      })
    })

    describe('a run that returns its task', () => {
      const returned = async (back: Return) => {
        const fixture = await open(allTables)
        const { queue } = fixture
        await queue.enqueue(checks, [{ url: 'a' }])
        const { run } = (await queue.claim(allTables))!
        const before = Date.now()
        expect(await queue.settle(run, { ...failed, return: back })).toMatchObject({ held: true })
        return { ...fixture, run, before, task: (await queue.find(checks, 1))! }
      }

      it('makes it pending, due after the delay, with the error of the attempt', async () => {
        const { queue, sql, before, task } = await returned({ delay: hour })
        expect(task).toMatchObject({ status: 'pending', attempt: 1, error: failed.error })
        expect((task.runAt as Date).getTime() - before).toBeGreaterThanOrEqual(hour - 1000)
        expect((task.runAt as Date).getTime() - Date.now()).toBeLessThanOrEqual(hour + 1000)
        expect(await queue.claim(allTables)).toBeUndefined()
        expect(await sql('select outcome, error from ops_runs')).toEqual([{ outcome: 'failed', error: failed.error }])
      })

      it('keeps its place in the queue without a delay, and counts the attempt', async () => {
        const { queue } = await returned({})
        await queue.enqueue(checks, [{ url: 'b' }])
        const claim = (await queue.claim(allTables))!
        expect(nameOf(claim)).toBe('check 1')
        expect(claim.run.attempt).toBe(2)
      })

      it('can give back the attempt too', async () => {
        const { queue, task, run } = await returned({ givesAttemptBack: true })
        expect(task).toMatchObject({ status: 'pending', attempt: 0 })
        const again = (await queue.claim(allTables))!.run
        expect(again.attempt).toBe(1)
        expect(again.id).toBeGreaterThan(run.id)
      })

      it('is in the audit with its outcome', async () => {
        const { queue } = await returned({ delay: 0 })
        const entries = await queue.records.audit({ table: 'checks', limit: 10 })
        expect(entries.at(-1)).toMatchObject({
          event: 'returned',
          fromStatus: 'ongoing',
          toStatus: 'pending',
          detail: { outcome: 'failed', error: failed.error },
        })
      })

      it('can claim the same task again if nothing else waits', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, [{ environment: 'a' }])
        const { run } = (await queue.claim(allTables))!
        const again = { ...failed, return: { delay: 0, givesAttemptBack: false } }
        const { next } = await queue.settle(run, again, allTables)
        expect(next?.run).toMatchObject({ taskId: 1, attempt: 2 })
      })

      it('frees the key for the next task', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
        const { run } = (await queue.claim(allTables))!
        const { next } = await queue.settle(run, { ...failed, return: { delay: hour } }, allTables)
        expect(nameOf(next)).toBe('build 2')
      })
    })

    describe('cancel', () => {
      it('cancels a pending task and records it', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        expect(await queue.cancel(checks, 1, 'ada')).toEqual({ change: 'canceled', status: 'canceled' })
        expect(await queue.claim(allTables)).toBeUndefined()
        const task = (await queue.find(checks, 1))!
        expect(task).toMatchObject({ status: 'canceled', error: 'canceled by ada' })
        expect(task.finishedAt).toBeInstanceOf(Date)
        const [, entry] = await queue.records.audit({ limit: 10 })
        expect(entry).toMatchObject({ event: 'canceled', fromStatus: 'pending', toStatus: 'canceled', actor: 'ada' })
      })

      it('asks the worker of an ongoing task, once', async () => {
        const { queue, secondQueue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        const other = await secondQueue()
        expect(await other.cancel(checks, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
        expect(await other.cancel(checks, 1, 'bob')).toEqual({ change: 'asked', status: 'ongoing' })
        expect(await queue.stateOf(run)).toEqual({ isHeld: true, cancelRequestedBy: 'ada' })
        expect(await queue.openRuns()).toMatchObject([{ cancelRequestedBy: 'ada' }])
        const entries = await queue.records.audit({ limit: 10 })
        expect(entries.slice(2)).toMatchObject([{ event: 'cancel_requested', actor: 'ada', runId: run.id, taskId: 1 }])
        expect(await queue.settle(run, { kind: 'canceled', error: 'canceled by ada' })).toMatchObject({ held: true })
        expect(await queue.find(checks, 1)).toMatchObject({ status: 'canceled', error: 'canceled by ada' })
      })

      it('prevents a retry', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        await queue.cancel(checks, 1, 'ada')
        await queue.settle(run, { ...failed, return: { delay: 0 } })
        const task = (await queue.find(checks, 1))!
        expect(task.status).toBe('canceled')
        expect(task.error).toContain('canceled by ada')
        expect(await sql('select outcome from ops_runs')).toEqual([{ outcome: 'canceled' }])
      })

      it('does not undo a success', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        await queue.cancel(checks, 1, 'ada')
        await queue.settle(run, succeeded)
        expect(await queue.find(checks, 1)).toMatchObject({ status: 'succeeded' })
        expect(await queue.cancel(checks, 1, 'ada')).toEqual({ change: 'none', status: 'succeeded' })
      })

      it('immediately ends a run of a client other than ops', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }])
        await sql(`update builds set status = 'ongoing' where id = 1`)
        expect(await queue.cancel(builds, 1, 'ada')).toEqual({ change: 'canceled', status: 'canceled' })
        expect(await queue.openRuns()).toEqual([])
      })

      it('returns nothing for a missing task', async () => {
        const { queue } = await open(allTables)
        expect(await queue.cancel(checks, 7, 'ada')).toBeUndefined()
        expect(await queue.retry(checks, 7, 'ada')).toBeUndefined()
      })
    })

    describe('retry', () => {
      it.each(['failed', 'canceled'] as const)('makes a %s task pending and due', async (kind) => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() - hour) })
        const { run } = (await queue.claim(allTables))!
        await queue.settle(run, { kind, error: 'no such host' })
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() - 1000) })
        expect(await queue.retry(checks, 1, 'ada')).toEqual({ change: 'retried', status: 'pending' })
        const entries = await queue.records.audit({ taskId: 1, limit: 10 })
        expect(entries.at(-1)).toMatchObject({ event: 'retried', fromStatus: kind, toStatus: 'pending', actor: 'ada' })
        expect(await claimAll(queue, allTables)).toEqual(['check 2', 'check 1'])
      })

      it('changes no other task', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        expect(await queue.retry(checks, 1, 'ada')).toEqual({ change: 'none', status: 'pending' })
        const { run } = (await queue.claim(allTables))!
        expect(await queue.retry(checks, 1, 'ada')).toEqual({ change: 'none', status: 'ongoing' })
        await queue.settle(run, succeeded)
        expect(await queue.retry(checks, 1, 'ada')).toEqual({ change: 'none', status: 'succeeded' })
      })
    })

    describe('a task with prerequisites', () => {
      const waiting = async () => {
        const fixture = await open(allTables)
        const [build] = await add(fixture.queue, builds, [{ repository: 'a' }])
        const [check] = await add(fixture.queue, checks, [{}])
        await add(fixture.queue, releases, [{ environment: 'a', buildId: build, checkId: check }])
        const claim = async (queued: QueuedTable) => (await fixture.queue.claim([queued]))!.run
        return { ...fixture, claim }
      }

      it('waits until all of them are settled', async () => {
        const { queue, claim } = await waiting()
        expect(await queue.claim([queuedReleases])).toBeUndefined()
        const build = await claim(queuedBuilds)
        expect(await queue.claim([queuedReleases])).toBeUndefined()
        await queue.settle(build, succeeded)
        expect(await queue.claim([queuedReleases])).toBeUndefined()
        const { next } = await queue.settle(await claim(queuedChecks), succeeded, [queuedReleases])
        expect(nameOf(next)).toBe('release 1')
        expect(next!.unmet).toBeUndefined()
      })

      it('waits while the last of them is ongoing', async () => {
        const { queue, claim } = await waiting()
        await queue.settle(await claim(queuedChecks), succeeded)
        const build = await claim(queuedBuilds)
        expect(await queue.claim([queuedReleases])).toBeUndefined()
        const { next } = await queue.settle(build, succeeded, [queuedReleases])
        expect(nameOf(next)).toBe('release 1')
      })

      it('does not delay the next task, with the same key or another', async () => {
        const { queue } = await waiting()
        await queue.enqueue(releases, [{ environment: 'a' }, { environment: 'b' }])
        expect(await claimAll(queue, [queuedReleases])).toEqual(['release 2', 'release 3'])
      })

      it.each(['failed', 'canceled'] as const)('is claimed with its %s prerequisite', async (kind) => {
        const { queue, claim } = await waiting()
        await queue.settle(await claim(queuedBuilds), { kind, error: 'no such host' })
        await queue.settle(await claim(queuedChecks), succeeded)
        const release = (await queue.claim([queuedReleases]))!
        expect(release.unmet).toEqual({ table: 'builds', id: 1, status: kind })
      })

      it('waits for a prerequisite that will be retried', async () => {
        const { queue, claim } = await waiting()
        await queue.settle(await claim(queuedChecks), succeeded)
        await queue.settle(await claim(queuedBuilds), { ...failed, return: { delay: hour } })
        expect(await queue.claim([queuedReleases])).toBeUndefined()
      })

      it('does not delay other keys, even in hundreds', async () => {
        const { queue } = await open(allTables)
        const [build] = await add(queue, builds, [{ repository: 'a' }])
        await queue.enqueue(
          releases,
          Array.from({ length: 200 }, (_, index) => ({ environment: `e${index % 3}`, buildId: build })),
        )
        await queue.enqueue(releases, [{ environment: 'e1' }, { environment: 'free' }, {}])
        const order = await claimAll(queue, [queuedReleases])
        expect(order).toEqual(['release 201', 'release 202', 'release 203'])
      })
    })

    describe('a unique table', () => {
      it('returns the existing task while it is pending or ongoing', async () => {
        const { queue, sql } = await open(allTables)
        const production = { environment: 'production', ref: 'v1' }
        expect(await queue.enqueue(syncs, [production])).toEqual([{ id: 1, isNew: true }])
        expect(await queue.enqueue(syncs, [{ ...production, note: 'again' }])).toEqual([{ id: 1, isNew: false }])
        const { run } = (await queue.claim([queuedSyncs]))!
        expect(await queue.enqueue(syncs, [production, production])).toEqual([
          { id: 1, isNew: false },
          { id: 1, isNew: false },
        ])
        await queue.settle(run, failed)
        const [{ id, isNew } = { id: 0, isNew: false }] = await queue.enqueue(syncs, [production])
        expect(isNew).toBe(true)
        expect(await sql(`select count(*) as n from ops_audit where event = 'enqueued'`)).toEqual([{ n: 2 }])
        expect(id).toBeGreaterThan(1)
      })

      it('treats nulls and missing values as equal', async () => {
        const { queue } = await open(allTables)
        const rows = [{}, { environment: null }, { environment: '' }, { ref: 'HEAD' }, { ref: 'v1' }]
        const added = await queue.enqueue(syncs, rows)
        expect(added.map(({ isNew }) => isNew)).toEqual([true, false, true, false, true])
        expect(added[3]!.id).toBe(added[0]!.id)
        expect(await queue.enqueue(syncs, [{}])).toEqual([{ id: added[0]!.id, isNew: false }])
      })

      it('is due now if it was scheduled for later and is asked for now', async () => {
        const { queue } = await open(allTables)
        const runAt = new Date(Date.now() + hour)
        const [id] = await add(queue, syncs, [{ environment: 'a' }], { runAt })
        const later = { runAt: new Date(Date.now() + hour / 2) }
        expect(await queue.enqueue(syncs, [{ environment: 'a' }], later)).toEqual([{ id, isNew: false }])
        expect(await queue.claim([queuedSyncs])).toBeUndefined()
        expect(await queue.enqueue(syncs, [{ environment: 'a' }])).toEqual([{ id, isNew: false, scheduledFor: runAt }])
        expect(await queue.enqueue(syncs, [{ environment: 'a' }])).toEqual([{ id, isNew: false }])
        expect((await queue.claim([queuedSyncs]))!.run.taskId).toBe(id)
      })

      it('keeps the time of its next attempt', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(syncs, [{ environment: 'a' }])
        const { run } = (await queue.claim([queuedSyncs]))!
        await queue.settle(run, { ...failed, return: { delay: hour } })
        expect(await queue.enqueue(syncs, [{ environment: 'a' }])).toEqual([{ id: run.taskId, isNew: false }])
        expect(await queue.claim([queuedSyncs])).toBeUndefined()
      })

      it('is unique for any client', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(syncs, [{ environment: 'a' }])
        await expect(sql(`insert into syncs (environment) values ('a')`)).rejects.toThrow(/unique/i)
        await queue.cancel(syncs, 1, 'ada')
        await queue.enqueue(syncs, [{ environment: 'a' }])
        await expect(queue.retry(syncs, 1, 'ada')).rejects.toThrow(/unique/i)
      })
    })

    describe('a key on hold', () => {
      it('stops only its tasks, until it is released', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(deployments, ['a', 'b', null].map(toEnvironment))
        await queue.enqueue(rollbacks, ['a'].map(toEnvironment))
        expect(await queue.holds.take('environment:a', 'ada', 'migration')).toBeUndefined()
        expect(await claimAll(queue, allTables)).toEqual(['deployment 2', 'deployment 3'])
        const released = await queue.holds.release('environment:a', 'bob')
        expect(released).toMatchObject({ key: 'environment:a', actor: 'ada', reason: 'migration' })
        expect(await claimAll(queue, allTables)).toEqual(['deployment 1'])
      })

      it('can be put on hold while a task runs with it', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
        const { run } = (await queue.claim(allTables))!
        await queue.holds.take('processor:build', 'ada', undefined)
        expect(await queue.settle(run, succeeded, allTables)).toEqual({ held: true, next: undefined })
      })

      it('can be that of a processor without keys', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}])
        await queue.holds.take('processor:check', 'ada', undefined)
        expect(await queue.claim(allTables)).toBeUndefined()
      })

      it('has one holder at a time', async () => {
        const { queue } = await open(allTables)
        await queue.holds.take('environment:a', 'ada', 'migration')
        expect(await queue.holds.take('environment:a', 'bob', 'mine')).toMatchObject({
          actor: 'ada',
          reason: 'migration',
        })
        expect(await queue.holds.list()).toMatchObject([{ key: 'environment:a', actor: 'ada' }])
        expect((await queue.holds.list())[0]!.heldAt).toBeInstanceOf(Date)
        await queue.holds.release('environment:a', 'bob')
        expect(await queue.holds.release('environment:a', 'bob')).toBeUndefined()
        expect(await queue.holds.list()).toEqual([])
      })

      it('is in the audit', async () => {
        const { queue } = await open(allTables)
        await queue.holds.take('environment:a', 'ada', 'migration')
        await queue.holds.release('environment:a', 'bob')
        expect(await queue.records.audit({ limit: 10 })).toMatchObject([
          { event: 'held', actor: 'ada', detail: { key: 'environment:a', reason: 'migration' } },
          { event: 'released', actor: 'bob', detail: { key: 'environment:a' } },
        ])
      })

      it('stops clients other than ops', async () => {
        const { queue, sql } = await open(allTables)
        await queue.enqueue(deployments, ['a', 'b'].map(toEnvironment))
        await queue.holds.take('environment:a', 'ada', 'migration')
        const begin = (id: number) => sql(`update deployments set status = 'ongoing' where id = ${id}`)
        await expect(begin(1)).rejects.toThrow('deployment 1 must wait: "environment:a" is held by ada: migration')
        await begin(2)
      })
    })

    describe('a schedule', () => {
      const minute = 60_000
      const nightly = { table: checks, row: { url: 'a' } }
      const at = (since: Date, minutes: number) => new Date(since.getTime() + minutes * minute)

      it('enqueues each tick once, with the schedule as the actor', async () => {
        const { queue, secondQueue } = await open(allTables)
        const other = await secondQueue()
        const { since, lastTickAt } = await queue.schedules.register('nightly', 'daily')
        expect(lastTickAt).toBeUndefined()
        const ticks = [queue, other, queue, other].map((each) => each.schedules.tick('nightly', at(since, 1), nightly))
        const results = await Promise.all(ticks)
        expect(results.filter(({ isOurs }) => isOurs)).toEqual([{ isOurs: true, task: { id: 1, isNew: true } }])
        expect(await queue.schedules.tick('nightly', at(since, 2), nightly)).toMatchObject({ isOurs: true })
        expect(await queue.schedules.tick('nightly', at(since, 1), nightly)).toEqual({ isOurs: false, task: undefined })
        expect(await queue.schedules.list()).toEqual([
          { name: 'nightly', since, lastTickAt: at(since, 2), lastTask: { table: 'checks', id: 2 } },
        ])
        expect(await queue.records.audit({ limit: 10 })).toMatchObject([
          { event: 'enqueued', actor: 'schedule nightly' },
          { event: 'enqueued', actor: 'schedule nightly' },
        ])
      })

      it('ignores ticks from before it was registered or changed', async () => {
        const { queue } = await open(allTables)
        const { since } = await queue.schedules.register('nightly', 'daily')
        expect(await queue.schedules.tick('nightly', at(since, -1), nightly)).toMatchObject({ isOurs: false })
        expect((await queue.schedules.register('nightly', 'daily')).since).toEqual(since)
        await new Promise((resolve) => setTimeout(resolve, 5))
        const changed = await queue.schedules.register('nightly', 'hourly')
        expect(changed.since.getTime()).toBeGreaterThan(since.getTime())
      })

      it('can skip a tick', async () => {
        const { queue } = await open(allTables)
        const { since } = await queue.schedules.register('nightly', 'daily')
        expect(await queue.schedules.tick('nightly', at(since, 1), undefined)).toEqual({
          isOurs: true,
          task: undefined,
        })
        expect(await queue.schedules.tick('nightly', at(since, 1), nightly)).toMatchObject({ isOurs: false })
        expect(await queue.claim(allTables)).toBeUndefined()
      })
    })

    describe('the invariants', () => {
      const tables = allTables.map(({ table }) => table.name)
      const find = async (queue: Queue, history: boolean) =>
        (await queue.invariants.find(tables, { history })).map(({ code, table, taskId, runId, status, value }) =>
          [
            code,
            table,
            taskId === undefined ? undefined : Number(taskId),
            runId && 'run',
            status,
            value?.toString(),
          ].filter((part) => part !== undefined),
        )
      const claimed = async () => {
        const fixture = await open(allTables)
        await fixture.queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await fixture.queue.claim(allTables))!
        expect(await find(fixture.queue, true)).toEqual([])
        const unguard = () => fixture.sql(`drop trigger ops_open_no_delete${name === 'SQLite' ? '' : ' on ops_open'}`)
        return { ...fixture, run, unguard }
      }

      it('name a task whose claim is gone, and the key and the run that are left', async () => {
        const { queue, sql, unguard } = await claimed()
        await expect(sql(`delete from ops_open where scope = 'builds'`)).rejects.toThrow(/run \d+ of builds 1 is open/)
        await unguard()
        await sql(`delete from ops_open where scope = 'builds'`)
        const expected = [
          ['TASK_WITHOUT_RUN', 'builds', 1],
          ['KEY_WITHOUT_RUN', 'run', 'processor:build'],
        ]
        expect(await find(queue, false)).toEqual(expected)
        expect(await find(queue, true)).toEqual([['RUN_WITHOUT_ROW', 'builds', 1, 'run'], ...expected])
        const [lost] = await queue.invariants.find(tables, { history: true })
        await queue.invariants.restore(lost!, 'ada')
        expect(await find(queue, true)).toEqual([])
      })

      it('name tasks whose status is unknown, or not in the audit, which a repair adds', async () => {
        const { queue, sql } = await open(allTables)
        const on = name === 'SQLite' ? '' : ' on checks'
        for (const suffix of ['begins_pending', 'inserted']) await sql(`drop trigger ops_checks_${suffix}${on}`)
        await sql(`insert into checks (status) values ('failed'), ('pending'), ('done')`)
        expect(await find(queue, false)).toEqual([])
        expect(await find(queue, true)).toEqual([
          ['STATUS_UNKNOWN', 'checks', 3, 'done'],
          ['TASK_WITHOUT_AUDIT', 'checks', 1, '3'],
        ])
        const [, unaudited] = await queue.invariants.find(tables, { history: true })
        await queue.invariants.repair(unaudited!, 'ada')
        expect(await find(queue, true)).toEqual([['STATUS_UNKNOWN', 'checks', 3, 'done']])
        await expect(sql(`update checks set status = 'pending' where id = 3`)).rejects.toThrow(
          'from "done" to "pending"',
        )
        await sql(`update checks set status = 'canceled' where id = 3`)
        expect(await find(queue, true)).toEqual([])
        expect(await sql(`select event, to_status from ops_audit where task_table = 'checks' order by id`)).toEqual([
          { event: 'repaired', to_status: 'failed' },
          { event: 'repaired', to_status: 'pending' },
          { event: 'repaired', to_status: 'done' },
          { event: 'canceled', to_status: 'canceled' },
        ])
      })

      it('name a claim of a task that is not ongoing or not there, and of a run that has ended', async () => {
        const { queue, sql, run } = await claimed()
        await queue.settle(run, succeeded)
        await sql(
          `insert into ops_open (scope, what, run_id) values ('builds', 1, ${run.id}), ('checks', 7, ${run.id})`,
        )
        expect(await find(queue, false)).toEqual([
          ['RUN_WITHOUT_TASK', 'checks', 7, 'run'],
          ['RUN_WITHOUT_TASK', 'builds', 1, 'run', 'succeeded'],
          ['RUN_NOT_OPEN', 'builds', 1, 'run'],
          ['RUN_NOT_OPEN', 'builds', 7, 'run'],
        ])
      })

      it('name a run that has lost its key, which a repair gives back', async () => {
        const { queue, sql, unguard } = await claimed()
        await unguard()
        await sql(`delete from ops_open where scope = 'ops_key'`)
        expect(await find(queue, false)).toEqual([['RUN_WITHOUT_KEY', 'builds', 1, 'run', 'processor:build']])
        const [violation] = await queue.invariants.find(tables, { history: false })
        await queue.invariants.repair(violation!, 'ada')
        expect(await find(queue, true)).toEqual([])
      })

      it('are repaired, each with an event', async () => {
        const { queue, sql, run, unguard } = await claimed()
        await unguard()
        await sql(`delete from ops_open where scope = 'builds'`)
        await queue.cancel(builds, 1, 'ada')
        // The end of the run says "failed", which the status of the task then contradicts.
        for (let pass = 0; pass < 2; pass += 1) {
          for (const violation of await queue.invariants.find(tables, { history: true })) {
            await queue.invariants.repair(violation, 'ada')
          }
        }
        expect(await find(queue, true)).toEqual([])
        expect(await sql('select count(*) as n from ops_open')).toEqual([{ n: 0 }])
        expect(await sql(`select outcome, ended_by from ops_runs where id = ${run.id}`)).toEqual([
          { outcome: 'crashed', ended_by: 'ada' },
        ])
        const repaired = await sql(`select count(*) as n from ops_audit where event = 'repaired' and actor = 'ada'`)
        expect(Number(repaired[0]!.n)).toBeGreaterThanOrEqual(2)
        await queue.enqueue(builds, [{ repository: 'b' }])
        expect(nameOf(await queue.claim(allTables))).toBe('build 2')
      })
    })

    describe('the records', () => {
      it('count the due tasks ahead of one', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}, {}])
        await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + 60_000) })
        await queue.enqueue(deployments, ['a', 'b', 'c'].map(toEnvironment))
        await queue.enqueue(deployments, [{ environment: 'd' }], { runAt: new Date(Date.now() - 60_000) })
        const ahead = (id: number) =>
          queue.records.ahead({ queued: queuedDeployments, id }, [queuedChecks, queuedBuilds])
        const others = [
          { processor: 'check', count: 2 },
          { processor: 'build', count: 0 },
        ]
        expect(await ahead(3)).toEqual([...others, { processor: 'deployment', count: 3 }])
        expect(await ahead(4)).toEqual([...others, { processor: 'deployment', count: 0 }])
      })

      it('list all task tables of the database', async () => {
        const { queue } = await open([queuedBuilds, queuedChecks])
        expect(await queue.records.tables()).toEqual(['builds', 'checks'])
      })

      it('list the tasks of a table by status, newest first', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{ url: 'a' }, { url: 'b' }, { url: 'c' }])
        await queue.claim(allTables)
        const urls = async (statuses: Status[], limit = 10) =>
          (await queue.records.tasks(checks, { statuses, limit })).map(({ url }) => url)
        expect(await urls([])).toEqual(['c', 'b', 'a'])
        expect(await urls(['pending'])).toEqual(['c', 'b'])
        expect(await urls(['pending', 'ongoing'], 1)).toEqual(['c'])
        expect(await urls(['failed'])).toEqual([])
      })

      it('list the runs of a task in order', async () => {
        const { queue } = await open(allTables)
        await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
        await queue.enqueue(builds, [{ repository: 'a' }])
        const { run } = (await queue.claim(allTables))!
        await queue.settle(run, { ...failed, return: {} })
        await queue.claim(allTables)
        const runs = await queue.records.runs(builds, 1)
        const key = { exclusiveKey: 'processor:build', workerId: 'one' }
        expect(runs).toMatchObject([
          { attempt: 1, ...key, outcome: 'failed', error: failed.error },
          { attempt: 2, ...key, outcome: undefined, endedAt: undefined },
        ])
        expect(runs[0]!.endedAt).toBeInstanceOf(Date)
        expect(await queue.records.runs(builds, 2)).toEqual([])
      })

      it('list the newest audit entries, or those after an id', async () => {
        const { queue } = await open(allTables)
        await queue.enqueue(checks, [{}, {}, {}])
        const newest = await queue.records.audit({ limit: 2 })
        expect(newest.map(({ taskId }) => taskId)).toEqual([2, 3])
        const after = await queue.records.audit({ after: newest[0]!.id - 1, limit: 1 })
        expect(after.map(({ taskId }) => taskId)).toEqual([2])
        const one = await queue.records.audit({ table: 'checks', taskId: 2, limit: 5 })
        expect(one).toHaveLength(1)
        expect(one[0]!.at).toBeInstanceOf(Date)
      })

      it('include milestones of progress', async () => {
        const { queue } = await open(allTables)
        await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
        await queue.enqueue(checks, [{}])
        const { run } = (await queue.claim(allTables))!
        await queue.report(run, { fraction: 0.1, note: 'begun' })
        await queue.report(run, { fraction: 0.5, note: 'half', isMilestone: true })
        const entries = await queue.records.audit({ limit: 10 })
        expect(entries.slice(2)).toMatchObject([
          { event: 'progress', actor: 'one', runId: run.id, detail: { progress: 0.5, note: 'half' } },
        ])
      })
    })

    describe('a worker', () => {
      const start = async () => {
        const fixture = await open(allTables)
        const worker = startProgram(program('live'), fixture.url, 'one')
        expect(await worker.line()).toBe('up')
        return { ...fixture, worker }
      }

      it('is alive as long as its process', async () => {
        const { queue, worker } = await start()
        expect(await queue.isAlive('one')).toBe(true)
        expect(await queue.livingWorkers()).not.toEqual([])
        worker.kill('SIGKILL')
        expect(await worker.exit).toBe('SIGKILL')
        await until(async () => !(await queue.isAlive('one')), 'the worker is dead')
        expect(await queue.livingWorkers()).toEqual([])
      })

      it('is alive while its process is stopped', async () => {
        const { queue, worker } = await start()
        worker.kill('SIGSTOP')
        expect(await queue.isAlive('one')).toBe(true)
        worker.kill('SIGCONT')
        expect(await queue.isAlive('one')).toBe(true)
      })

      it('ends with close', async () => {
        const { queue, worker, sql } = await start()
        worker.say('close')
        expect(await worker.line()).toBe('closed')
        expect(await queue.isAlive('one')).toBe(false)
        expect(await queue.livingWorkers()).toEqual([])
        expect(await sql('select id, state from ops_workers')).toEqual([{ id: 'one', state: 'stopped' }])
      })

      it('stays alive when others ask', async () => {
        const { queue, secondQueue } = await start()
        const other = await secondQueue()
        for (let time = 0; time < 3; time += 1) {
          expect(await queue.isAlive('one')).toBe(true)
          expect(await other.isAlive('one')).toBe(true)
        }
      })

      it('is alive for itself too', async () => {
        const { queue, secondQueue } = await open(allTables)
        await queue.startWorker({ id: 'self', host: 'here', pid: process.pid, version: '0' })
        expect(await queue.isAlive('self')).toBe(true)
        expect(await (await secondQueue()).isAlive('self')).toBe(true)
        expect(await queue.isAlive('self')).toBe(true)
      })

      it('is not alive if it is unknown', async () => {
        const { queue } = await open(allTables)
        expect(await queue.isAlive('nobody')).toBe(false)
        expect(await queue.livingWorkers()).toEqual([])
      })

      it('leaves its open run for another to settle', async () => {
        const { queue, worker } = await start()
        await queue.enqueue(builds, [{ repository: 'a' }])
        worker.say('claim')
        expect(await worker.line()).toBe('build 1')
        const [run] = await queue.openRuns()
        expect(run).toMatchObject({ workerId: 'one', taskTable: 'builds', taskId: 1, attempt: 1 })
        worker.kill('SIGKILL')
        await worker.exit
        await until(async () => !(await queue.isAlive(run!.workerId)), 'the worker is dead')
        expect(await queue.settleDead(run!, queuedBuilds, { kind: 'crashed', error: 'worker one died' })).toBe(true)
        expect(await queue.isAlive('one')).toBe(false)
      })
    })

    describe('the audit', () => {
      const trail =
        'select task_table, task_id, run_id, event, from_status, to_status, actor, detail from ops_audit order by id'
      const entry = (event: string, from: string | null, to: string | null, rest: object) => {
        const task = { task_table: 'builds', task_id: 1, run_id: null }
        return { ...task, event, from_status: from, to_status: to, actor: null, detail: null, ...rest }
      }

      it('has an entry for each change, with run and actor', async () => {
        const { queue, sql, shellActor } = await open(allTables)
        await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
        await queue.enqueue(builds, [{ repository: 'a' }], { actor: 'ada' })
        const first = (await queue.claim(allTables))!.run
        await queue.settle(first, failed)
        await sql(`update builds set status = 'pending' where id = 1`)
        const second = (await queue.claim(allTables))!.run
        await queue.settle(second, succeeded)
        const by = (run: Run) => ({ run_id: run.id, actor: 'one' })
        const detail = { error: failed.error }
        expect((await sql(trail)).map(parseDetail)).toEqual([
          entry('enqueued', null, 'pending', { actor: 'ada' }),
          entry('started', 'pending', 'ongoing', by(first)),
          entry('failed', 'ongoing', 'failed', { ...by(first), detail }),
          entry('retried', 'failed', 'pending', { actor: shellActor }),
          entry('started', 'pending', 'ongoing', by(second)),
          entry('succeeded', 'ongoing', 'succeeded', by(second)),
        ])
      })

      it('does not keep the actor for the next enqueue', async () => {
        const { queue, sql, shellActor } = await open(allTables)
        await queue.enqueue(checks, [{}], { actor: 'ada' })
        await queue.enqueue(checks, [{}])
        expect(await sql('select actor from ops_audit order by id')).toEqual([{ actor: 'ada' }, { actor: shellActor }])
      })
    })
  })
}

/** Adds tasks and returns their ids. */
async function add(queue: Queue, ...enqueued: Parameters<Queue['enqueue']>): Promise<TaskId[]> {
  return (await queue.enqueue(...enqueued)).map(({ id }) => id)
}

/** SQLite stores JSON as text. */
function parseDetail(row: Readonly<Record<string, unknown>>): object {
  return { ...row, detail: typeof row.detail === 'string' ? JSON.parse(row.detail) : row.detail }
}

function toEnvironment(environment: string | null): { environment: string | null } {
  return { environment }
}

function nameOf(claim: Claim | undefined): string | undefined {
  return claim && `${claim.run.queued.processor} ${claim.run.taskId}`
}

/** Claims until nothing may run; the runs stay open. */
async function claimAll(queue: Queue, tables: readonly QueuedTable[]): Promise<string[]> {
  const names: string[] = []
  for (;;) {
    const claim = await queue.claim(tables)
    if (!claim) return names
    names.push(nameOf(claim)!)
  }
}

/** A timer may fire slightly early; then the worker looks again. */
async function claimSoon(queue: Queue): Promise<Claim | undefined> {
  let claim: Claim | undefined
  await until(async () => {
    claim = await queue.claim(allTables)
    return claim !== undefined
  }, 'a task may be claimed')
  return claim
}

/** Waits until events from before the test are over. */
async function nothingNew(queue: Queue): Promise<void> {
  while ((await queue.waitForWork([], 50, forever)) === 'changed');
}

async function timed(waiting: Promise<WakeReason>): Promise<{ reason: WakeReason; milliseconds: number }> {
  const started = performance.now()
  return { reason: await waiting, milliseconds: performance.now() - started }
}

/** Every row that a write about a run could change. */
async function everything(sql: QueueFixture['sql']): Promise<unknown> {
  const found: unknown[] = []
  for (const table of ['builds', 'ops_runs', 'ops_audit', 'ops_workers']) {
    found.push(await sql(`select * from ${table} order by id`))
  }
  return found
}
