import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builds } from '../queue/tables.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { connect, openQueue, postgresMissing } from '../support/postgres-fixture.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { unless } from '../support/unless.ts'
import { cutInAllWays, disturb, queuedBuild, twoMachines } from './cut-off.ts'

describe('a worker that is cut off from PostgreSQL', unless(postgresMissing), () => {
  it.each([5, 15])('for %s s goes on with its task', async (seconds) => {
    for (const [way, result] of await cutInAllWays(seconds * 1000)) {
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far succeeded' },
      })
    }
  })

  it('for 30 s ends its task, and reports it when the database is back', async () => {
    for (const [way, result] of await cutInAllWays(30_000)) {
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far interrupted' },
      })
      expect(result.lastTickMs).toBeLessThan(30_000)
    }
  })

  it('for 60 s has ended a program that ignores SIGTERM before the task is taken over', async () => {
    for (const [way, result] of await cutInAllWays(60_000, { isStubborn: true })) {
      expect({ way, overlapMs: result.overlapMs, ended: result.ended }).toEqual({
        ...{ way, overlapMs: 0, ended: ['far crashed', 'near succeeded'] },
      })
      expect(result.lastTickMs).toBeLessThan(36_000)
      expect(result.tookOverMs).toBeGreaterThan(36_000)
    }
  })

  it('by answers that are under way for long goes on with its task', async () => {
    const machines = await twoMachines()
    const result = await disturb(machines, async () => {
      machines.link.setDelay(3000)
      await delay(40_000)
      machines.link.setDelay(0)
    })
    expect(result).toMatchObject({ overlapMs: 0, ended: ['far succeeded', expect.anything()] })
  })
})

describe('the end of a server', unless(postgresMissing), () => {
  it.each([
    ['that starts again', { isMoved: false }],
    ['without an error, and another address that answers', { isMoved: true }],
  ])('%s costs no task', async (_, { isMoved }) => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    await (await connect(server.url())).query(createTaskTable(builds, 'postgres'))
    await openQueue(server.url()).migrate([], [queuedBuild])
    const machines = await twoMachines({ url: server.url() })
    const { link, nearLink } = machines
    const result = await disturb(machines, async () => {
      if (isMoved) link.cut({ staysSilent: true })
      await server.restart({ isMoved, afterMs: 1500 })
      for (const each of [link, nearLink]) {
        each.leadTo(server.port)
        each.restore()
      }
    })
    expect(result).toMatchObject({ overlapMs: 0, ended: ['far succeeded', expect.anything()] })
  })
})
