import { connect as connectTo, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { until } from '../../support/until.ts'
import { builds, checks, queuedBuilds, queuedChecks } from '../tables.ts'

const succeeded = { kind: 'succeeded', columns: {} } as const
const tables = [queuedChecks, queuedBuilds]

/** A worker's queue behind a connection that can lose the answers of the server. */
async function behindLossyConnection() {
  const fixture = await postgresFixture(tables)
  const { port } = new URL(fixture.url)
  let isLossy = false
  const sockets: Socket[] = []
  const proxy = createServer((client) => {
    const server = connectTo(Number(port), '127.0.0.1')
    client.on('error', () => {}).on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => client.destroy())
    client.pipe(server)
    server.on('data', (data) => {
      if (isLossy) client.destroy()
      else client.write(data)
    })
    sockets.push(client, server)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  })
  const url = new URL(fixture.url)
  url.port = String((proxy.address() as { port: number }).port)
  const queue: PostgresQueue = openQueue(url.href)
  await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
  /** Loses the answer to a statement that the server has executed. */
  const losing = async (act: () => Promise<unknown>, isDone: string) => {
    isLossy = true
    await expect(act()).rejects.toThrow()
    await until(async () => (await fixture.value(`select count(*) from ops_runs where ${isDone}`)) === 1, isDone)
    isLossy = false
  }
  return { ...fixture, queue, losing }
}

describe('an answer lost with the connection', unless(postgresMissing), () => {
  it('is given again for a claim', async () => {
    const { queue, losing, rows } = await behindLossyConnection()
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    await losing(() => queue.claim(tables), 'ended_at is null')
    const claim = (await queue.claim(tables))!
    expect(claim.run).toMatchObject({ taskId: 1, attempt: 1, queued: queuedBuilds })
    expect(claim.run.deadlineAt).toBeInstanceOf(Date)
    expect(claim.task).toMatchObject({ repository: 'a', status: 'ongoing', attempt: 1 })
    const { held, next } = await queue.settle(claim.run, succeeded, tables)
    expect([held, next!.run.taskId]).toEqual([true, 2])
    expect(await rows('select task_id, attempt from ops_runs order by id')).toEqual([
      { task_id: 1, attempt: 1 },
      { task_id: 2, attempt: 1 },
    ])
  })

  it('is given again for a settlement, with the claimed task', async () => {
    const { queue, losing, rows } = await behindLossyConnection()
    await queue.enqueue(checks, [{ url: 'a' }, { url: 'b' }])
    const { run } = (await queue.claim(tables))!
    await losing(() => queue.settle(run, succeeded, tables), `outcome = 'succeeded'`)
    const { held, next } = await queue.settle(run, succeeded, tables)
    expect(held).toBe(true)
    expect(next!.task).toMatchObject({ id: 2, url: 'b' })
    expect(await queue.settle(next!.run, succeeded, tables)).toEqual({ held: true, next: undefined })
    expect(await rows('select task_id from ops_runs order by id')).toEqual([{ task_id: 1 }, { task_id: 2 }])
  })

  it('is false again for a settlement that came too late', async () => {
    const { queue, losing, url } = await behindLossyConnection()
    await queue.enqueue(checks, [{ url: 'a' }])
    const { run } = (await queue.claim(tables))!
    const other = openQueue(url)
    const [taken] = await other.openRuns()
    await other.settleDead(taken!, queuedChecks, { kind: 'crashed', error: 'worker one died' })
    await losing(() => queue.settle(run, succeeded, tables), `outcome = 'crashed'`)
    expect(await queue.settle(run, succeeded, tables)).toEqual({ held: false, next: undefined })
  })
})
