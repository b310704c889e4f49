import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { GATES } from '../../../src/queue/postgres/gate.ts'
import type { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import { SEATS } from '../../../src/queue/postgres/wake-up.ts'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { until } from '../../support/until.ts'
import { builds, checks, queuedBuilds, queuedChecks } from '../tables.ts'

const forever = new AbortController().signal
const long = 60_000
/** It takes milliseconds; without the notification it would take as long as the poll. */
const FAR_BELOW_THE_POLL_MS = 20_000
const only = [queuedChecks]

/** A queue that has nothing to do and listens. */
async function idle() {
  const fixture = await postgresFixture([queuedChecks, queuedBuilds])
  const { queue, raw } = fixture
  const wait = (milliseconds = long) => queue.waitForWork(only, milliseconds, forever)
  while ((await wait(20)) === 'changed');
  const add = () => raw.query(`insert into checks (url) values ('a')`)
  const cut = () =>
    raw.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ops' and datname = current_database()`,
    )
  return { ...fixture, wait, add, cut }
}

/** How long a wait goes on after something was done to the database. */
async function timed(waiting: Promise<unknown>, act: () => Promise<unknown>): Promise<number> {
  // The wait has sent what it has to send.
  await new Promise((resolve) => setTimeout(resolve, 50))
  await act()
  const started = performance.now()
  expect(await waiting).toBe('changed')
  return performance.now() - started
}

describe('a wait for work', unless(postgresMissing), () => {
  it('ends with a commit', async () => {
    const { wait, add } = await idle()
    expect(await timed(wait(), add)).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })

  it.each([
    ['a task is due earlier', `update checks set run_at = now() - interval '1 minute'`],
    ['a task is pending again', `update checks set status = 'pending'`],
    ['many tasks are copied in', `insert into checks (url) select 'a' from generate_series(1, 1000)`],
  ])('ends when %s', async (_, sql) => {
    const { queue, raw, wait } = await idle()
    await queue.enqueue(checks, [{}], { runAt: new Date(Date.now() + 3_600_000) })
    if (sql.includes('pending')) await raw.query(`update checks set status = 'canceled'`)
    while ((await wait(20)) === 'changed');
    expect(await timed(wait(), () => raw.query(sql))).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })

  it('ignores other tables and settled tasks', async () => {
    const { queue, raw, wait } = await idle()
    const [{ id } = { id: 0 }] = await queue.enqueue(checks, [{}])
    while ((await wait(20)) === 'changed');
    const waiting = wait(300)
    await queue.enqueue(builds, [{ repository: 'a' }])
    await raw.query(`update checks set status = 'canceled' where id = ${id}`)
    expect(await waiting).toBe('poll')
  })

  it('fails if the connection is lost, and works again after that', async () => {
    const { wait, add, cut } = await idle()
    const lost = expect(wait()).rejects.toThrow()
    await cut()
    await lost
    // Notifications may have been missed, which counts as a change.
    expect(await wait()).toBe('changed')
    expect(await timed(wait(), add)).toBeLessThan(FAR_BELOW_THE_POLL_MS)
  })

  it('notices that the connection was lost before', async () => {
    const { wait, cut } = await idle()
    await cut()
    await until(async () => (await wait(20).catch(() => 'lost')) === 'changed', 'the connection was made again')
  })

  it('sends only the search for a task while there is nothing to do', async () => {
    const { queue, wait } = await idle()
    const query = vi.spyOn(pg.Client.prototype, 'query')
    for (let poll = 0; poll < 10; poll += 1) {
      expect(await queue.claim([queuedChecks])).toBeUndefined()
      expect(await wait(10)).toBe('poll')
    }
    expect(query.mock.calls.length).toBe(10)
    query.mockRestore()
  })
})

describe('many workers', unless(postgresMissing), () => {
  /** More queues than there are seats, each with nothing to do. */
  async function idleFleet() {
    const fixture = await postgresFixture([queuedChecks])
    const queues = Array.from({ length: SEATS + 4 }, () => openQueue(fixture.url))
    // The first wait of whoever has a seat ends at once, since a notification may have been missed.
    const seated: PostgresQueue[] = []
    for (const queue of queues) if ((await queue.waitForWork(only, 1, forever)) === 'changed') seated.push(queue)
    return { ...fixture, queues, seated, unseated: queues.filter((queue) => !seated.includes(queue)) }
  }

  it('are not all woken by an insert, and the others find the task when they poll', async () => {
    const { raw, seated, unseated } = await idleFleet()
    expect([seated.length, unseated.length]).toEqual([SEATS, 4])
    const poll = new AbortController()
    const woken = Promise.all(seated.map((queue) => queue.waitForWork(only, long, forever)))
    const others = Promise.all(unseated.map((queue) => queue.waitForWork(only, long, poll.signal)))
    await raw.query(`insert into checks (url) values ('a')`)
    expect(new Set(await woken)).toEqual(new Set(['changed']))
    poll.abort()
    expect(new Set(await others)).toEqual(new Set(['stopped']))
    expect(await unseated[0]!.waitForWork(only, 1, forever)).toBe('poll')
    expect(await unseated[0]!.claim(only)).toBeDefined()
  })

  it('take the seat of a worker that is busy or gone', async () => {
    const { url, queue, seated, unseated } = await idleFleet()
    await queue.enqueue(checks, [{}])
    const { run } = (await seated[0]!.claim(only))!
    await seated[0]!.stateOf(run)
    await seated[1]!.close()
    const free = Array.from({ length: 3 }, () => openQueue(url))
    const waits = []
    for (const each of free) waits.push(await each.waitForWork(only, 1, forever))
    expect(waits).toEqual(['changed', 'changed', 'poll'])
    expect(await unseated[0]!.waitForWork(only, 1, forever)).toBe('poll')
  })

  it('claim a few at a time, and the others again until they are stopped', async () => {
    const { queue, raw } = await postgresFixture([queuedChecks])
    await queue.enqueue(checks, [{}])
    const gates = `from generate_series(0, ${GATES - 1}) n`
    await raw.query(`select pg_advisory_lock('ops_runs'::regclass::oid::int4, n) ${gates}`)
    const stop = new AbortController()
    const stopped = queue.claim(only, stop.signal)
    setTimeout(() => stop.abort(), 100)
    expect(await stopped).toBeUndefined()
    const claimed = queue.claim(only)
    await raw.query(`select pg_advisory_unlock('ops_runs'::regclass::oid::int4, n) ${gates}`)
    expect(await claimed).toBeDefined()
  })
})
