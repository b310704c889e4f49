import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EXIT_WITHIN_MS } from '../../../src/project/run-worker.ts'
import { LEASE_MS } from '../../../src/queue/postgres/lease.ts'
import { openSession } from '../../../src/queue/postgres/open-session.ts'
import { FREE_FOR_MS, OwnLock, SILENT_FOR_MS } from '../../../src/queue/postgres/worker-lock.ts'
import { LOOK_EVERY } from '../../../src/worker/lease-keeper.ts'
import { STUCK_AFTER_MS } from '../../../src/worker/perform-task.ts'
import { connect, openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { startPostgres } from '../../support/postgres-server.ts'
import { startProgram } from '../../support/start-program.ts'
import { unless } from '../../support/unless.ts'
import { until } from '../../support/until.ts'
import { builds, queuedBuilds } from '../tables.ts'

const live = join(import.meta.dirname, '..', 'programs', 'live.ts')
const worker = { id: 'one', host: 'here', pid: process.pid, version: '0' }
const succeeded = { kind: 'succeeded', columns: {} } as const

/** Ends the connections of ops, as a firewall or an operator does. */
async function cut(raw: pg.Client): Promise<void> {
  const { rows } = await raw.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ops' and datname = current_database()`,
  )
  expect(rows.length).toBeGreaterThan(0)
  await until(async () => (await holders(raw)).length === 0, 'the lock is free')
}

/** A statement that is on its way while its connection is cut fails; the next one opens a new connection. */
async function afterCut<T>(work: () => Promise<T>): Promise<T> {
  return work().catch(work)
}

async function holders(raw: pg.Client): Promise<unknown[]> {
  const { rows } = await raw.query(
    `select pid from pg_locks where locktype = 'advisory' and classid = 'ops_workers'::regclass and granted`,
  )
  return rows
}

describe('a worker', unless(postgresMissing), () => {
  it('stays alive while its process runs without a connection', async () => {
    const { url, queue, raw } = await postgresFixture([queuedBuilds])
    const started = startProgram(live, url, 'one')
    expect(await started.line()).toBe('up')
    await cut(raw)
    for (let look = 0; look < 3; look += 1) expect(await afterCut(() => queue.isAlive('one'))).toBe(true)
    expect(await queue.livingWorkers()).not.toEqual([])
    started.kill('SIGKILL')
    await started.exit
    expect(await queue.isAlive('one')).toBe(false)
    expect(await queue.livingWorkers()).toEqual([])
  })

  it('takes its lock again with the next statement', async () => {
    const { queue, raw } = await postgresFixture([queuedBuilds])
    await queue.startWorker(worker)
    await queue.enqueue(builds, [{ repository: 'a' }])
    const { run } = (await queue.claim([queuedBuilds]))!
    await cut(raw)
    expect((await afterCut(() => queue.stateOf(run))).isHeld).toBe(true)
    expect(await holders(raw)).toHaveLength(1)
    expect(await queue.settle(run, succeeded)).toMatchObject({ held: true })
  })

  it('takes its lock from the lost session that the server still keeps', async () => {
    const { url, queue, raw } = await postgresFixture([queuedBuilds])
    await queue.startWorker(worker)
    await cut(raw)
    const lost = await connect(url)
    await lost.query(`select pg_advisory_lock('ops_workers'::regclass::oid::int4, 1)`)
    expect(await queue.claim([queuedBuilds])).toBeUndefined()
    await expect(lost.query('select 1')).rejects.toThrow()
    expect(await holders(raw)).toHaveLength(1)
  })

  it('is dead as soon as its process on this machine is gone', async () => {
    const { url, raw } = await postgresFixture([queuedBuilds])
    const queue = openQueue(url, { freeForMs: 3_600_000 })
    const started = startProgram(live, url, 'one')
    expect(await started.line()).toBe('up')
    started.kill('SIGKILL')
    await started.exit
    await until(async () => (await holders(raw)).length === 0, 'the lock is free')
    expect(await queue.isAlive('one')).toBe(false)
  })

  it.each(['boot_id = null', `boot_id = 'another boot'`])(
    'on another machine is dead after its lock has been free for a while (%s)',
    async (elsewhere) => {
      const { url, queue, raw } = await postgresFixture([queuedBuilds])
      const patient = openQueue(url, { freeForMs: 3_600_000 })
      const hasty = openQueue(url, { freeForMs: 60, silentForMs: 60 })
      await queue.startWorker(worker)
      // There its pid says nothing about a process here.
      await raw.query(`update ops_workers set ${elsewhere}, pid = 0`)
      expect(await hasty.isAlive('one')).toBe(true)
      await cut(raw)
      expect(await afterCut(() => hasty.isAlive('one'))).toBe(true)
      await until(async () => !(await hasty.isAlive('one')), 'the lock was free for long enough')
      expect(await hasty.livingWorkers()).toEqual([])
      for (let look = 0; look < 3; look += 1) expect(await patient.isAlive('one')).toBe(true)
      // It was only away.
      await afterCut(() => queue.claim([queuedBuilds]))
      expect(await hasty.isAlive('one')).toBe(true)
      await cut(raw)
      expect(await afterCut(() => hasty.isAlive('one'))).toBe(true)
    },
  )

  it('on another machine is alive as long as it gives signs of life', async () => {
    const { url, queue, raw } = await postgresFixture([queuedBuilds])
    const other = openQueue(url, { freeForMs: 0, silentForMs: 3_600_000 })
    const hasty = openQueue(url, { freeForMs: 0, silentForMs: 0 })
    await queue.startWorker(worker)
    await raw.query('update ops_workers set boot_id = null, pid = 0')
    await cut(raw)
    expect(await afterCut(() => other.isAlive('one'))).toBe(true)
    // However the clock of the database is set.
    await raw.query(`update ops_workers set seen_at = now() - interval '1 day'`)
    expect(await other.isAlive('one')).toBe(true)
    expect(await hasty.isAlive('one')).toBe(false)
    await raw.query(`update ops_workers set state = 'stopped', stopped_at = now()`)
    expect(await other.isAlive('one')).toBe(false)
  })

  it.each([
    ['has its lock again', false],
    ['has had its lock and lost it again', true],
  ])('that was found dead and %s keeps its run', async (_, isCutAgain) => {
    const { url, queue, raw } = await postgresFixture([queuedBuilds])
    const other = openQueue(url, { freeForMs: 0, silentForMs: 0 })
    await queue.startWorker(worker)
    await raw.query('update ops_workers set boot_id = null, pid = 0')
    await queue.enqueue(builds, [{ repository: 'a' }])
    const { run } = (await queue.claim([queuedBuilds]))!
    await cut(raw)
    const runs = await afterCut(() => other.openRuns())
    expect(await other.livingWorkersOf(runs)).toEqual(new Set())
    await afterCut(() => queue.stateOf(run))
    if (isCutAgain) await cut(raw)
    const settle = () => other.settleDead(runs[0]!, queuedBuilds, { kind: 'crashed', error: 'worker one died' })
    expect(await afterCut(settle)).toBe(false)
    expect(await afterCut(() => queue.stateOf(run))).toMatchObject({ isHeld: true })
    expect(await queue.settle(run, succeeded)).toMatchObject({ held: true })
  })

  it('gives a sign of life by each run that it begins', async () => {
    const { url, queue, raw, value } = await postgresFixture([queuedBuilds])
    const other = openQueue(url, { freeForMs: 0, silentForMs: 100 })
    await queue.startWorker(worker)
    await raw.query('update ops_workers set boot_id = null, pid = 0')
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    const seenAt = await value('select seen_at from ops_workers')
    const { run } = (await queue.claim([queuedBuilds]))!
    const [before] = await other.openRuns()
    expect(await other.livingWorkersOf([before!])).toEqual(new Set(['one']))
    // It has given no other sign of life for too long.
    await delay(150)
    const renewedAt = queue.lease!.renewedAt
    const { next } = await queue.settle(run, succeeded, [queuedBuilds])
    expect(queue.lease!.renewedAt).toBeGreaterThanOrEqual(renewedAt)
    await cut(raw)
    const [after] = await afterCut(() => other.openRuns())
    expect(after!.id).toBe(next!.run.id)
    expect(await other.livingWorkersOf([after!])).toEqual(new Set(['one']))
    expect(await value('select seen_at from ops_workers')).toEqual(seenAt)
  })

  it('renews its lease, and is alive again when it was considered dead', async () => {
    const { queue, raw, rows } = await postgresFixture([queuedBuilds])
    await queue.startWorker(worker)
    const life = async () => (await rows('select state, stopped_at, seen_at > started_at as seen from ops_workers'))[0]
    await raw.query(`update ops_workers set state = 'died', stopped_at = now()`)
    await queue.lease!.renew()
    expect(await life()).toEqual({ state: 'polling', stopped_at: null, seen: true })
    await raw.query('delete from ops_workers')
    await expect(queue.lease!.renew()).rejects.toThrow('no longer in ops_workers')
  })

  it('renews its lease beside a statement that waits for a lock', async () => {
    const { url, raw, value } = await postgresFixture([queuedBuilds])
    const queue = openQueue(url)
    await queue.startWorker(worker)
    await queue.enqueue(builds, [{ repository: 'a' }])
    const { run } = (await queue.claim([queuedBuilds]))!
    await raw.query('begin; select 1 from builds for update')
    const reported = queue.report(run, { fraction: 0.5, note: undefined })
    const before = await value('select seen_at from ops_workers')
    for (let renewal = 0; renewal < 3; renewal += 1) await queue.lease!.renew()
    await raw.query('commit')
    expect(await reported).toBe(true)
    expect(await value('select seen_at from ops_workers')).not.toEqual(before)
  })

  it('counts as dead after fifteen seconds where nothing proves it, and soon loses the lock with its host', async () => {
    expect(FREE_FOR_MS).toBe(15_000)
    const { url } = await postgresFixture([queuedBuilds])
    const session = await openSession(url)
    onTestFinished(() => session.close())
    await (await OwnLock.register(session, worker)).acquire(session)
    const setting = (name: string) => `current_setting('tcp_keepalives_${name}') as ${name}`
    // Over TCP: a Unix socket has none.
    expect(await session.query(`select ${['idle', 'interval', 'count'].map(setting).join(', ')}`)).toEqual([
      { idle: '10', interval: '5', count: '3' },
    ])
  })

  it('has a lock in its own database only', async () => {
    const first = await postgresFixture([queuedBuilds])
    const second = await postgresFixture([queuedBuilds])
    const there = openQueue(first.url)
    await there.startWorker(worker)
    await second.queue.startWorker({ ...worker, id: 'two' })
    await there.close()
    expect(await first.queue.isAlive('one')).toBe(false)
    expect(await second.queue.isAlive('two')).toBe(true)
  })
})

it('a worker has ended any task before it may be considered dead', () => {
  const lostAfter = LEASE_MS * (1 + LOOK_EVERY)
  expect(lostAfter + STUCK_AFTER_MS + EXIT_WITHIN_MS).toBeLessThan(SILENT_FOR_MS)
})

describe('a restart of the server', unless(postgresMissing), () => {
  it('loses no task', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const plain = await connect(server.url())
    await plain.query('create database shop')
    const { createTaskTable } = await import('../../support/create-task-table.ts')
    await (await connect(server.url('shop'))).query(createTaskTable(builds, 'postgres'))
    const queue = openQueue(server.url('shop'))
    const other = openQueue(server.url('shop'))
    await queue.migrate([], [queuedBuilds])
    await queue.startWorker(worker)
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    const { run } = (await queue.claim([queuedBuilds]))!
    const waiting = expect(other.waitForWork([queuedBuilds], 25_000, new AbortController().signal)).resolves.toBe(
      'changed',
    )
    await waiting
    await server.restart()
    expect(await other.isAlive('one')).toBe(true)
    expect(await queue.stateOf(run)).toEqual({ isHeld: true, cancelRequestedBy: undefined })
    const { held, next } = await queue.settle(run, succeeded, [queuedBuilds])
    expect(held).toBe(true)
    expect(next!.run.taskId).toBe(2)
  })

  it('is only an error while it lasts', async () => {
    const server = await startPostgres()
    const queue = openQueue(server.url())
    await queue.migrate([], [])
    const waiting = async () => {
      for (;;) await queue.waitForWork([], 25_000, new AbortController().signal)
    }
    const lost = expect(waiting()).rejects.toThrow()
    await server.stop()
    await lost
    await expect(queue.openRuns()).rejects.toThrow('connection refused')
  })
})
