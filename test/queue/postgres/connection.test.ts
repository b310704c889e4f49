import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseUnusableError } from '../../../src/errors.ts'
import { openQueue as openByUrl } from '../../../src/queue/open-queue.ts'
import { TransactionPoolerError } from '../../../src/queue/postgres/transaction-pooler.ts'
import { openQueue, postgresFixture, postgresMissing, postgresUrl } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { checks, queuedChecks } from '../tables.ts'
import { transactionPooler } from './transaction-pooler.ts'

const worker = { id: 'one', host: 'here', pid: process.pid, version: '0' }

async function failureOf(url: string): Promise<DatabaseUnusableError> {
  const error = await openQueue(url)
    .openRuns()
    .then(
      () => undefined,
      (error) => error,
    )
  expect(error).toBeInstanceOf(DatabaseUnusableError)
  expect(JSON.stringify([error.message, error.suggestions])).not.toContain('secret')
  return error
}

function changed(url: string, change: Partial<URL>): string {
  return Object.assign(new URL(url), change).href
}

describe('a database that cannot be used', unless(postgresMissing), () => {
  it.each([
    ['refuses connections', { port: '1' }, 'connection refused', 'start PostgreSQL'],
    ['has an unknown host', { hostname: 'no-such-host.invalid' }, 'host not found', 'check the host'],
    ['refuses the password', { password: 'wrong-secret' }, 'password authentication failed', 'user and the password'],
    ['does not exist', { pathname: '/nowhere' }, 'the database does not exist', 'createdb'],
  ])('that %s is reported with what to do', async (_, change, problem, suggestion) => {
    const error = await failureOf(changed(await postgresUrl(), change))
    expect(error.message).toContain(problem)
    expect(error.suggestions.join()).toContain(suggestion)
  })

  it('that is not migrated is reported', async () => {
    const error = await failureOf(await postgresUrl())
    expect(error.message).toContain('it is not migrated: relation "ops_open" does not exist')
    expect(error.suggestions).toEqual(['migrate it: ops migrate'])
  })

  it('that does not answer is given up', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const error = await failureOf(`postgres://ada:secret@127.0.0.1:${port}/shop`)
    expect(error.message).toContain('connection timed out after 10 s')
  })

  it('is not connected to again by each statement', async () => {
    let attempts = 0
    const server = createServer((socket) => {
      attempts += 1
      socket.destroy()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const queue = openQueue(`postgres://ada:secret@127.0.0.1:${port}/shop`)
    for (let statement = 0; statement < 1000; statement += 1)
      await expect(queue.openRuns()).rejects.toThrow('cannot be')
    expect(attempts).toBeLessThan(100)
  })

  it('reports whether it exists', async () => {
    const url = await postgresUrl()
    expect(await openQueue(url).exists()).toBe(true)
    expect(await openQueue(changed(url, { pathname: '/nowhere' })).exists()).toBe(false)
    await expect(openQueue(changed(url, { port: '1' })).exists()).rejects.toThrow('connection refused')
  })
})

describe('a queue', unless(postgresMissing), () => {
  it.each(['postgres', 'postgresql'])('is opened by a URL with %s and named without the password', async (scheme) => {
    const url = (await postgresUrl()).replace(/^postgres/, scheme)
    const queue = await openByUrl(url, { directory: '/' })
    onTestFinished(() => queue.close())
    expect(await queue.exists()).toBe(true)
    expect(queue.name).toMatch(new RegExp(`^${scheme}://postgres@127.0.0.1:\\d+/test_`))
  })

  it('keeps concurrent work out of its transactions', async () => {
    const { queue } = await postgresFixture([queuedChecks])
    const failing = (function* () {
      yield { url: 'a' }
      throw new Error('line 2')
    })()
    const [refused, added] = await Promise.allSettled([
      queue.enqueue(checks, failing),
      queue.enqueue(checks, [{ url: 'b' }]),
      queue.holds.take('k', 'ada', undefined),
    ])
    expect([refused.status, added.status]).toEqual(['rejected', 'fulfilled'])
    expect(await queue.records.tasks(checks, { statuses: [], limit: 9 })).toMatchObject([{ url: 'b' }])
    expect(await queue.holds.list()).toHaveLength(1)
  })

  it('gives processors Drizzle on its own connections', async () => {
    const { queue } = await postgresFixture([queuedChecks])
    const database = queue.drizzle() as import('drizzle-orm/node-postgres').NodePgDatabase
    await database.transaction(async (transaction) => {
      await transaction.insert(checks.postgres).values({ url: 'a' })
      expect(await queue.claim([queuedChecks])).toBeUndefined()
    })
    const { run } = (await queue.claim([queuedChecks]))!
    expect(await database.select({ url: checks.postgres.url }).from(checks.postgres)).toEqual([{ url: 'a' }])
    expect(run.taskId).toBe(1)
  })
})

describe('a worker', unless(postgresMissing), () => {
  it('refuses a pooler in transaction mode and leaves no lock', async () => {
    const { url, value } = await postgresFixture([queuedChecks])
    const pooler = await transactionPooler(Number(new URL(url).port))
    onTestFinished(() => pooler.close())
    const queue = openQueue(changed(url, { port: String(pooler.port) }))
    const error = await queue.startWorker(worker).catch((error) => error)
    expect(error).toBeInstanceOf(TransactionPoolerError)
    expect(error.oclif.exit).toBe(78)
    expect(error.suggestions.join()).toContain('session mode')
    expect(await value('select count(*) from ops_workers')).toBe(0)
  })

  it('starts on its own session', async () => {
    const { queue } = await postgresFixture([queuedChecks])
    await queue.startWorker(worker)
    expect(await queue.isAlive('one')).toBe(true)
  })
})
