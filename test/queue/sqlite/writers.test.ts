import { describe, expect, it } from 'vitest'
import type { QueuedTable } from '../../../src/queue/queue.ts'
import { sqliteFixture } from '../../support/sqlite-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, queuedDeployments, queuedSyncs } from '../tables.ts'
import { foreignWriters } from './foreign-writers.ts'
import { inconsistencies, statesOf } from './inconsistencies.ts'

/** What a statement about deployment 1 or sync 1 does: a refusal, or what becomes of them. */
interface Writing {
  readonly sql: string
  /** While the run of a worker is open. */
  readonly worker: string | RegExp
  /** While the run of a client other than ops is open. */
  readonly foreign: string | RegExp
  readonly pending: string | RegExp
  readonly failed?: string | RegExp
  readonly succeeded?: string | RegExp
  /** What a REPLACE deletes, by the audit. */
  readonly deletes?: Partial<Record<State, string>>
}

const status = /is ongoing and only its worker changes its status; cancel it first: ops tasks cancel \w+ 1/
const key = /is ongoing and its exclusivity key cannot change; cancel it first: ops tasks cancel \w+ 1/
const id = /is ongoing and its id cannot change; cancel it first: ops tasks cancel \w+ 1/
const replaced = /is ongoing and cannot be replaced; cancel it first: ops tasks cancel \w+ 1/
const final = /has succeeded and cannot be replaced; insert it without an id/
const deleted = /is ongoing and cannot be deleted; cancel it first: ops tasks cancel \w+ 1/
const transition = /cannot go from "\w+" to "\w+"/

/** Deployment 1 has the environment "a"; its id, status and environment follow each statement. */
const deployments: Writing[] = [
  {
    sql: `update deployments set status = 'pending'`,
    ...{ worker: status, foreign: '1 pending a', pending: '1 pending a', failed: '1 pending a' },
  },
  { sql: `update deployments set status = 'succeeded'`, worker: status, foreign: '1 succeeded a', pending: transition },
  { sql: `update deployments set status = 'failed'`, worker: status, foreign: '1 failed a', pending: transition },
  {
    sql: `update deployments set status = 'canceled'`,
    worker: status,
    foreign: '1 canceled a',
    pending: '1 canceled a',
  },
  {
    sql: `update deployments set status = 'ongoing'`,
    ...{ worker: '1 ongoing a', foreign: '1 ongoing a', pending: '1 ongoing a', failed: transition },
  },
  { sql: `update deployments set status = 'done'`, worker: transition, foreign: transition, pending: transition },
  {
    sql: `update deployments set id = 9`,
    ...{ worker: id, foreign: id, pending: '9 pending a', failed: '9 failed a' },
  },
  ...['rowid', 'oid', '_rowid_'].map((name) => ({
    sql: `update deployments set ${name} = 9`,
    ...{ worker: id, foreign: id, pending: '9 pending a', failed: '9 failed a' },
  })),
  {
    sql: `begin; insert into deployments (id, environment) values (9, 'b'); update or replace deployments set rowid = 1 where id = 9; commit`,
    ...{ worker: id, foreign: id, pending: '1 pending b', failed: '1 pending b', succeeded: final },
    deletes: { pending: '1 pending', failed: '1 failed' },
  },
  {
    sql: `update deployments set environment = 'b'`,
    ...{ worker: key, foreign: key, pending: '1 pending b', failed: '1 failed b' },
  },
  { sql: `update deployments set environment = null`, worker: key, foreign: key, pending: '1 pending null' },
  {
    sql: `update deployments set status = 'ongoing', id = 9`,
    ...{ worker: id, foreign: id, pending: '9 ongoing a', failed: transition },
  },
  {
    sql: `update deployments set status = 'ongoing', environment = 'b'`,
    ...{ worker: key, foreign: key, pending: '1 ongoing b' },
  },
  { sql: `update deployments set status = 'failed', id = 9`, worker: status, foreign: id, pending: transition },
  {
    sql: `update deployments set status = 'failed', environment = 'b'`,
    worker: status,
    foreign: key,
    pending: transition,
  },
  // The whole row of an object that was loaded while the task was pending.
  {
    sql: `update deployments set id = 1, status = 'pending', environment = 'a', attempt = 0, error = null where id = 1`,
    ...{ worker: status, foreign: '1 pending a', pending: '1 pending a' },
  },
  {
    sql: `update deployments set id = id, status = status, environment = environment, error = 'x'`,
    ...{ worker: '1 ongoing a', foreign: '1 ongoing a', pending: '1 pending a', failed: '1 failed a' },
  },
  { sql: 'delete from deployments', worker: deleted, foreign: deleted, pending: '', failed: '' },
  {
    sql: `replace into deployments (id, environment) values (1, 'b')`,
    ...{ worker: replaced, foreign: replaced, pending: '1 pending b', failed: '1 pending b', succeeded: final },
    deletes: { pending: '1 pending', failed: '1 failed' },
  },
  {
    sql: `insert or replace into deployments (id, environment) values (9, 'b'), (1, 'c')`,
    ...{ worker: replaced, foreign: replaced, pending: '1 pending c, 9 pending b', failed: '1 pending c, 9 pending b' },
    ...{ succeeded: final, deletes: { pending: '1 pending', failed: '1 failed' } },
  },
  {
    sql: `begin; insert into deployments (id, environment) values (9, 'b'); update or replace deployments set id = 1 where id = 9; commit`,
    ...{ worker: id, foreign: id, pending: '1 pending b', failed: '1 pending b', succeeded: final },
    deletes: { pending: '1 pending', failed: '1 failed' },
  },
  {
    sql: `insert or ignore into deployments (id) values (1); delete from deployments; insert into deployments (id) values (7)`,
    ...{ worker: deleted, foreign: deleted, pending: '7 pending', succeeded: '7 pending' },
    deletes: { pending: '1 pending', succeeded: '1 succeeded' },
  },
  {
    sql: `insert or ignore into deployments (id, environment) values (1, 'b')`,
    ...{ worker: '1 ongoing a', foreign: '1 ongoing a', pending: '1 pending a' },
  },
  {
    sql: `insert into deployments (id, environment) values (1, 'b') on conflict (id) do update set error = 'x'`,
    ...{ worker: '1 ongoing a', foreign: '1 ongoing a', pending: '1 pending a' },
  },
  {
    sql: `insert into deployments (id, environment) values (1, 'b') on conflict (id) do update set status = excluded.status`,
    ...{ worker: status, foreign: '1 pending a', pending: '1 pending a' },
  },
  {
    sql: `insert into deployments (environment) values ('a')`,
    ...{ worker: '1 ongoing a, 2 pending a', foreign: '1 ongoing a, 2 pending a', pending: '1 pending a, 2 pending a' },
  },
  {
    sql: `insert into deployments (environment, status) values ('a', 'ongoing')`,
    ...{ worker: /must be "pending"/, foreign: /must be "pending"/, pending: /must be "pending"/ },
  },
]

/** Sync 1 and 2 have the environments "a" and "b", by which unsettled ones are unique. */
const syncs: Writing[] = [
  {
    sql: `replace into syncs (environment) values ('a')`,
    ...{ worker: replaced, foreign: replaced, pending: '2 pending b, 3 pending a' },
    deletes: { pending: '1 pending' },
  },
  {
    sql: `update or replace syncs set environment = 'a' where id = 2`,
    ...{ worker: replaced, foreign: replaced, pending: '2 pending a' },
    deletes: { pending: '1 pending' },
  },
  {
    sql: `update or replace syncs set environment = 'a', status = 'ongoing' where id = 2`,
    ...{ worker: replaced, foreign: replaced, pending: '2 ongoing a' },
    deletes: { pending: '1 pending' },
  },
  {
    sql: `insert or ignore into syncs (environment) values ('a')`,
    ...{ worker: '1 ongoing a, 2 pending b', foreign: '1 ongoing a, 2 pending b', pending: '1 pending a, 2 pending b' },
  },
  {
    sql: `replace into syncs (environment) values ('c')`,
    worker: '1 ongoing a, 2 pending b, 3 pending c',
    foreign: '1 ongoing a, 2 pending b, 3 pending c',
    pending: '1 pending a, 2 pending b, 3 pending c',
  },
  {
    sql: `update or replace syncs set environment = 'b' where id = 1`,
    ...{ worker: '1 ongoing b', foreign: '1 ongoing b', pending: '1 pending b' },
    deletes: { worker: '2 pending', foreign: '2 pending', pending: '2 pending' },
  },
]

const states = ['worker', 'foreign', 'pending', 'failed', 'succeeded'] as const
type State = (typeof states)[number]

for (const writer of foreignWriters) {
  describe(`a statement of ${writer.name}`, unless(writer.missing), () => {
    const prepare = async (queued: QueuedTable, rows: readonly string[], state: State) => {
      const fixture = await sqliteFixture(allTables)
      const { name } = queued.table
      const write = (sql: string) => writer.write(fixture.file, sql)
      for (const environment of rows) write(`insert into ${name} (environment) values ('${environment}')`)
      if (state === 'worker') await fixture.queue.claim([queued])
      if (state !== 'worker' && state !== 'pending') write(`update ${name} set status = 'ongoing' where id = 1`)
      if (state === 'failed' || state === 'succeeded') write(`update ${name} set status = '${state}' where id = 1`)
      return { ...fixture, write }
    }

    const cases = [
      ...deployments.map((writing) => ({ queued: queuedDeployments, rows: ['a'], writing })),
      ...syncs.map((writing) => ({ queued: queuedSyncs, rows: ['a', 'b'], writing })),
    ].flatMap((one) =>
      states.flatMap((state) => {
        const then = one.writing[state]
        return then === undefined ? [] : [{ ...one, state, sql: one.writing.sql, then }]
      }),
    )

    it.each(cases)('with $state: $sql', async ({ queued, rows: environments, writing: one, state, sql, then }) => {
      const { write, rows } = await prepare(queued, environments, state)
      const before = statesOf(rows)
      if (then instanceof RegExp) {
        expect(() => write(sql)).toThrow(then)
        expect(statesOf(rows)).toEqual(before)
      } else {
        write(sql)
        const tasks = rows(`select id, status, environment from ${queued.table.name} order by id`)
        const text = tasks.map((task) => Object.values(task).join(' ').trim() || 'null').join(', ')
        expect(text).toBe(then.replace(/ ?null/g, ''))
        const gone = rows(`select task_id, from_status from ops_audit where event = 'deleted' order by id`)
        if (!/^delete/.test(sql)) {
          const deletes = one.deletes?.[state] ?? ''
          expect(gone.map((row) => Object.values(row).join(' ')).join(', ')).toBe(deletes)
        }
      }
      expect(inconsistencies(rows, allTables)).toEqual([])
    })
  })
}
