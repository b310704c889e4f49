import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builds } from '../queue/tables.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { connect, openQueue, postgresMissing } from '../support/postgres-fixture.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { unless } from '../support/unless.ts'
import { cutInAllWays, disturb, queuedBuild, twoMachines } from './cut-off.ts'

/** A fifth of what holds otherwise. */
const times = { leaseMs: 4000, silentForMs: 8000, freeForMs: 3000 }

describe('a worker that is cut off from PostgreSQL', unless(postgresMissing), () => {
  it('for less than its lease goes on with its task', async () => {
    for (const [way, { ended, overlapMs }] of await cutInAllWays(3000, times)) {
      expect({ way, overlapMs, first: ended[0] }).toEqual({ way, overlapMs: 0, first: 'far succeeded' })
    }
  })

  it('by answers that are under way for long goes on with its task', async () => {
    const machines = await twoMachines(times)
    const result = await disturb(machines, async () => {
      machines.link.setDelay(600)
      await delay(8000)
      machines.link.setDelay(0)
    })
    expect(result).toMatchObject({ overlapMs: 0, ended: ['far succeeded', expect.anything()] })
  })

  it('for more than its lease ends its task, and reports it when the database is back', async () => {
    for (const [way, { ended, overlapMs, lastTickMs }] of await cutInAllWays(6000, times)) {
      expect({ way, overlapMs, ended }).toEqual({ way, overlapMs: 0, ended: ['far interrupted', ended[1]] })
      expect(lastTickMs).toBeLessThan(5500)
    }
  })

  it('for long has ended its task before another worker takes it over', async () => {
    for (const [way, { ended, overlapMs, lastTickMs, tookOverMs }] of await cutInAllWays(18_000, times)) {
      expect({ way, overlapMs, ended }).toEqual({ way, overlapMs: 0, ended: ['far crashed', 'near succeeded'] })
      expect(lastTickMs).toBeLessThan(5500)
      expect(tookOverMs).toBeGreaterThan(7000)
    }
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
    const machines = await twoMachines(times, { url: server.url() })
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
