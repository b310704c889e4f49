import { describe, expect, it } from 'vitest'
import type { Claim } from '../../../src/queue/queue.ts'
import { type SqliteFixture, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { allTables, builds, checks, queuedBuilds } from '../tables.ts'
import { inconsistencies } from './inconsistencies.ts'

const succeeded = { kind: 'succeeded', columns: {} } as const
const failed = { kind: 'failed', error: 'no such host', return: {} } as const

/** Runs of ops and of others, ends with and without a run that follows, events between them. */
async function withHistory(
  afterEach: (fixture: SqliteFixture) => Promise<void> = async () => {},
): Promise<SqliteFixture> {
  const fixture = await sqliteFixture(allTables)
  const { queue, raw } = fixture
  const open: Claim[] = []
  const take = (claim: Claim | undefined) => {
    if (claim) open.push(claim)
  }
  const steps: (() => Promise<unknown>)[] = [
    () => queue.enqueue(checks, [{}, {}, {}, {}, {}, {}], { actor: 'ada' }),
    () => queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }]),
    async () => take(await queue.claim(allTables)),
    async () => take(await queue.claim(allTables)),
    async () => take((await queue.settle(open.shift()!.run, succeeded, allTables)).next),
    async () => take(await queue.claim([queuedBuilds])),
    async () => raw.exec(`update checks set status = 'ongoing' where id = 6`),
    async () => take((await queue.settle(open.shift()!.run, failed, allTables)).next),
    () => queue.cancel(checks, 5, 'ada'),
    async () => raw.exec(`update checks set status = 'failed' where id = 6`),
    () => queue.settle(open.shift()!.run, { kind: 'timed_out', error: 'late' }),
    () => queue.holds.take('environment:a', 'ada', undefined),
    async () => take((await queue.settle(open.shift()!.run, succeeded, allTables)).next),
    async () => queue.settleDead((await queue.openRuns())[0]!, queuedBuilds, { kind: 'crashed', error: 'died' }),
  ]
  for (const step of steps) {
    await step()
    await afterEach(fixture)
  }
  return fixture
}

describe('the audit', () => {
  it('has one order: each number once, in the order of what happened', async () => {
    let known: unknown[] = []
    const { rows } = await withHistory(async ({ rows }) => {
      const ids = rows('select id from ops_audit order by id').map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      // What is new has higher numbers than all that was there.
      expect(ids.slice(0, known.length)).toEqual(known)
      known = ids
    })
    expect(rows('select id from ops_audit').length).toBeGreaterThan(20)
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it('is followed without a gap', async () => {
    const followed: unknown[] = []
    let after = 0
    const { rows } = await withHistory(async ({ queue }) => {
      for (const { id, event } of await queue.records.audit({ after, limit: 100 })) {
        followed.push({ id, event })
        after = id
      }
    })
    expect(followed).toEqual(rows('select id, event from ops_audit order by id'))
  })

  it('is read in pages of any size, as a whole and by what it is about', async () => {
    const { queue, rows } = await withHistory()
    const all = rows('select id, task_table, task_id from ops_audit order by id')
    const filters = [
      {},
      { table: 'checks' },
      { taskId: 1 },
      { table: 'checks', taskId: 1 },
      { table: 'builds', taskId: 2 },
    ]
    for (const filter of filters) {
      const { table, taskId } = filter as { table?: string; taskId?: number }
      const ids = all
        .filter((row) => table === undefined || row.task_table === table)
        .filter((row) => taskId === undefined || row.task_id === taskId)
        .map(({ id }) => id as number)
      const read = async (page: { after?: number; limit: number }) =>
        (await queue.records.audit({ ...filter, ...page })).map(({ id }) => id)
      for (const limit of [1, 2, 5, all.length]) {
        expect(await read({ limit })).toEqual(ids.slice(-limit))
        for (let after = 0; after <= ids.at(-1)!; after += 1)
          expect(await read({ after, limit })).toEqual(ids.filter((id) => id > after).slice(0, limit))
      }
    }
  })

  it('finds the runs of a task among thousands', async () => {
    const { queue, value } = await sqliteFixture(allTables)
    await queue.enqueue(
      checks,
      Array.from({ length: 700 }, () => ({})),
    )
    let claim = await queue.claim(allTables)
    while (claim) claim = (await queue.settle(claim.run, succeeded, allTables)).next
    expect(value('select count(*) from ops_runs_of_task')).toBeGreaterThan(400)
    for (const id of [1, 2, 300, 699, 700]) {
      expect(await queue.records.runs(checks, id)).toMatchObject([{ attempt: 1, outcome: 'succeeded' }])
      const entries = await queue.records.audit({ table: 'checks', taskId: id, limit: 10 })
      expect(entries.map(({ event }) => event)).toEqual(['enqueued', 'started', 'succeeded'])
    }
    expect(await queue.records.runs(checks, 701)).toEqual([])
  })
})
