import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PruneOptions, PruneStep } from '../../src/queue/history.ts'
import type { Queue, QueuedTable } from '../../src/queue/queue.ts'
import type { Outcome } from '../../src/task/outcome.ts'
import type { QueueFixture } from './conformance.ts'
import { allTables, builds, checks, deployments, queuedBuilds, queuedChecks, queuedDeployments } from './tables.ts'

const succeeded = { kind: 'succeeded', columns: {} } as const satisfies Outcome
const failed = { kind: 'failed', error: 'no such host' } as const satisfies Outcome
const hour = 3_600_000
const later = () => new Date(Date.now() + hour)
const everything = () => ({ succeeded: later(), failed: later(), canceled: later() })

async function prune(
  queue: Queue,
  tables: readonly QueuedTable[],
  options: Partial<PruneOptions> & { before?: object } = {},
): Promise<PruneStep[]> {
  const { before = everything(), ...more } = options
  const wanted = tables.map((queued) => ({ queued, before }))
  return all(queue.history.prune(wanted, { actor: 'ada', all: allTables, ...more }))
}

async function all(pruning: AsyncIterable<PruneStep>): Promise<PruneStep[]> {
  const steps: PruneStep[] = []
  for await (const step of pruning) steps.push(step)
  return steps
}

function count(steps: readonly PruneStep[]) {
  return {
    tasks: steps.flatMap(({ groups }) => groups).reduce((sum, { tasks }) => sum + tasks, 0),
    kept: steps.reduce((sum, { kept }) => sum + kept, 0),
  }
}

/** Performs everything that is due; returns how many tasks that were. */
async function drain(queue: Queue, outcome: Outcome, tables: readonly QueuedTable[] = allTables): Promise<void> {
  let claim = await queue.claim(tables)
  while (claim) claim = (await queue.settle(claim.run, outcome, tables)).next
}

async function pruned(queue: Queue) {
  const audit = await queue.records.audit({ limit: 1000 })
  return audit.filter(({ event }) => event === 'pruned')
}

/** What a pruning keeps on every database. */
export function pruneConformance(name: string, open: (tables: readonly QueuedTable[]) => Promise<QueueFixture>): void {
  describe(`a pruning on ${name}`, () => {
    it('deletes tasks with their runs and events, and leaves one entry in the audit', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}, {}, {}])
      await drain(queue, succeeded)
      const lines: Buffer[] = []
      const archive = { append: (chunk: Buffer) => void lines.push(chunk) }
      const steps = await prune(queue, [queuedChecks], { archive })
      expect(count(steps)).toEqual({ tasks: 3, kept: 0 })
      expect(steps.flatMap(({ files }) => files)).toEqual([1, 2, 3].map((id) => ({ id, attempts: [1] })))
      expect(await sql('select * from checks')).toEqual([])
      expect(await sql('select * from ops_runs')).toEqual([])
      expect(await sql('select * from ops_pruning')).toEqual([])
      const [entry, ...others] = await queue.records.audit({ limit: 10 })
      expect(others).toEqual([])
      const sha256 = createHash('sha256').update(Buffer.concat(lines)).digest('hex')
      expect(entry).toMatchObject({ event: 'pruned', taskTable: 'checks', taskId: undefined, actor: 'ada' })
      expect(entry!.detail).toMatchObject({
        table: 'checks',
        tasks: 3,
        runs: 3,
        events: 3,
        firstId: 1,
        lastId: 3,
        sha256,
      })
      const archived = lines
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(archived.map(({ table, task }) => `${table} ${task.id} ${task.status}`)).toEqual(
        [1, 2, 3].map((id) => `checks ${id} succeeded`),
      )
      expect(archived[0].runs).toMatchObject([{ outcome: 'succeeded', attempt: 1 }])
      expect(archived[0].events).toMatchObject([{ event: 'enqueued' }])
    })

    it('tells which pruning a task was gone with', async () => {
      const { queue } = await open(allTables)
      await queue.enqueue(checks, [{}, {}])
      await drain(queue, succeeded)
      await prune(queue, [queuedChecks])
      expect(await queue.history.prunedBy('checks', 2)).toBeInstanceOf(Date)
      expect(await queue.history.prunedBy('checks', 3)).toBeUndefined()
      expect(await queue.history.prunedBy('builds', 2)).toBeUndefined()
    })

    it('deletes only what is settled, by its status and since when', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}, {}])
      await drain(queue, failed)
      await queue.enqueue(checks, [{}, {}, {}, {}])
      await queue.cancel(checks, 3, 'ada')
      const claim = (await queue.claim(allTables))!
      await queue.settle(claim.run, succeeded)
      await queue.claim(allTables)
      const ids = async () => (await sql('select id from checks order by id')).map(({ id }) => id)
      await prune(queue, [queuedChecks], { before: { succeeded: new Date(Date.now() - hour), failed: new Date(0) } })
      expect(await ids()).toEqual([1, 2, 3, 4, 5, 6])
      await prune(queue, [queuedChecks], { before: { succeeded: later() } })
      expect(await ids()).toEqual([1, 2, 3, 5, 6])
      await prune(queue, [queuedChecks])
      expect(await ids()).toEqual([5, 6])
      expect(await queue.invariants.find(['checks'], { history: true })).toEqual([])
    })

    it('keeps a task about which something has happened since, whatever its row says', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}])
      await drain(queue, failed)
      const past = name === 'SQLite' ? '1000' : `'1970-01-02'`
      await sql(`update checks set finished_at = ${past}, created_at = ${past}`)
      await sql(`update checks set status = 'pending'`)
      await sql(`update checks set status = 'canceled'`)
      const before = { canceled: new Date(Date.now() - hour) }
      expect(count(await prune(queue, [queuedChecks], { before }))).toEqual({ tasks: 0, kept: 0 })
      expect(count(await prune(queue, [queuedChecks]))).toEqual({ tasks: 1, kept: 0 })
    })

    it('keeps a task that a foreign key names, and says how many', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
      await drain(queue, succeeded)
      await queue.enqueue(deployments, [{ buildId: 1, environment: 'a' }])
      expect(count(await prune(queue, [queuedBuilds]))).toEqual({ tasks: 1, kept: 1 })
      expect(await sql('select id from builds')).toEqual([{ id: 1 }])
      await drain(queue, succeeded)
      // The deployment first, so that nothing names the build any more; a dry run sees that too.
      const both = [queuedDeployments, queuedBuilds]
      expect(count(await prune(queue, both, { isDryRun: true }))).toEqual({ tasks: 2, kept: 0 })
      expect(await sql('select id from builds')).toEqual([{ id: 1 }])
      expect(count(await prune(queue, both))).toEqual({ tasks: 2, kept: 0 })
    })

    it('keeps the task of the last tick of a schedule', async () => {
      const { queue } = await open(allTables)
      await queue.schedules.register('nightly', '{}', new Date(Date.now() - 2 * hour))
      await queue.schedules.tick('nightly', new Date(Date.now() - hour), { table: checks, row: {} })
      await drain(queue, succeeded)
      expect(count(await prune(queue, [queuedChecks]))).toEqual({ tasks: 0, kept: 1 })
    })

    it('writes nothing in a dry run', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}, {}])
      await drain(queue, succeeded)
      const before = await sql('select * from ops_audit order by id')
      const steps = await prune(queue, [queuedChecks], { isDryRun: true })
      expect(steps.flatMap(({ groups }) => groups)).toMatchObject([{ status: 'succeeded', tasks: 2 }])
      expect(await sql('select * from ops_audit order by id')).toEqual(before)
      expect(await sql('select * from ops_prune_pass')).toEqual([])
    })

    it('leaves numbers that still grow, and an audit that can be followed', async () => {
      const { queue } = await open(allTables)
      await queue.enqueue(checks, [{}, {}, {}])
      // Each run but the first follows another one.
      await drain(queue, failed)
      await queue.retry(checks, 2, 'ada')
      const last = (await queue.records.audit({ limit: 1 }))[0]!.id
      const followed = (await queue.records.audit({ after: 0, limit: 100 })).filter(({ taskId }) => taskId === 2)
      await prune(queue, [queuedChecks])
      const left = await queue.records.audit({ limit: 100 })
      // The end of the second run was found by the third, which is gone.
      expect(left.filter(({ taskId }) => taskId === 2)).toEqual(followed)
      expect(left.at(-1)).toMatchObject({ event: 'pruned' })
      expect(left.at(-1)!.id).toBeGreaterThan(last)
      await drain(queue, failed)
      const more = await queue.records.audit({ after: left.at(-1)!.id, limit: 100 })
      expect(more.map(({ event }) => event)).toEqual(['started', 'failed'])
    })

    it('never gives a number twice, even if the latest ones are pruned before the entry is written', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}])
      await drain(queue, succeeded)
      const last = (await queue.records.audit({ limit: 1 }))[0]!.id
      const pruning = queue.history.prune([{ queued: queuedChecks, before: everything() }], {
        actor: 'ada',
        all: allTables,
      })
      await pruning.next()
      expect(await sql('select * from ops_audit')).toEqual([])
      await queue.enqueue(builds, [{ repository: 'a' }])
      expect((await queue.records.audit({ limit: 1 }))[0]!.id).toBeGreaterThan(last)
      await pruning.return()
      expect(await pruned(queue)).toMatchObject([{ detail: { tasks: 1 } }])
    })

    it('explains what a killed pruning has deleted, and gives its files again', async () => {
      const { queue, secondQueue } = await open(allTables)
      await queue.enqueue(checks, [{}, {}])
      await drain(queue, succeeded)
      const killed = queue.history.prune([{ queued: queuedChecks, before: everything() }], {
        actor: 'ada',
        all: allTables,
      })
      await killed.next()
      const other = await secondQueue()
      expect(await pruned(other)).toEqual([])
      const [left] = await prune(other, [queuedChecks], { actor: 'bob' })
      expect(left!.files.map(({ id }) => id)).toEqual([1, 2])
      expect(await pruned(other)).toMatchObject([{ actor: 'ada', detail: { tasks: 2, firstId: 1, lastId: 2 } }])
      // It was alive after all: it finds that another one has taken its place, and writes nothing.
      expect((await killed.next()).done).toBe(true)
      expect(await pruned(other)).toHaveLength(1)
    })

    it('leaves it to another process that prunes, and to the latest one for a while', async () => {
      const { queue, secondQueue } = await open(allTables)
      const other = await secondQueue()
      await queue.enqueue(checks, [{}])
      await drain(queue, succeeded)
      const first = queue.history.prune([{ queued: queuedChecks, before: everything() }], {
        ...{ actor: 'ada', all: allTables, every: hour },
      })
      expect(count([(await first.next()).value as PruneStep])).toEqual({ tasks: 1, kept: 0 })
      await other.enqueue(checks, [{}])
      await drain(other, succeeded)
      expect(await prune(other, [queuedChecks], { every: hour })).toEqual([])
      await all(first)
      expect(await prune(other, [queuedChecks], { every: hour })).toEqual([])
      expect(count(await prune(other, [queuedChecks]))).toEqual({ tasks: 1, kept: 0 })
    })

    it('refuses everybody else to delete history', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}, {}])
      await drain(queue, succeeded)
      for (const table of ['ops_runs', 'ops_events']) {
        await expect(sql(`delete from ${table}`), table).rejects.toThrow(/is not deleted/)
      }
      await sql('delete from checks where id = 1')
      const audit = await queue.records.audit({ table: 'checks', taskId: 1, limit: 10 })
      expect(audit.at(-1)).toMatchObject({ event: 'deleted' })
    })

    it('fails as a whole if the archive cannot be written', async () => {
      const { queue, sql } = await open(allTables)
      await queue.enqueue(checks, [{}])
      await drain(queue, succeeded)
      const archive = {
        append() {
          throw new Error('no space left')
        },
      }
      await expect(prune(queue, [queuedChecks], { archive })).rejects.toThrow('no space left')
      expect(await sql('select id from checks')).toEqual([{ id: 1 }])
      expect(await pruned(queue)).toEqual([])
      expect(count(await prune(queue, [queuedChecks], { every: 1 }))).toEqual({ tasks: 1, kept: 0 })
    })
  })
}
