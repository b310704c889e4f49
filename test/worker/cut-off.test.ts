import { describe, expect, it } from 'vitest'
import { postgresMissing } from '../support/postgres-fixture.ts'
import { unless } from '../support/unless.ts'
import { CUTS, type CutResult, cutFor, twoMachines } from './cut-off.ts'

/** A fifth of what holds otherwise. */
const times = { leaseMs: 4000, silentForMs: 8000, freeForMs: 3000 }

/** In all ways at once, since they only wait. */
async function cutInAllWays(milliseconds: number): Promise<[way: string, result: CutResult][]> {
  const machines = []
  for (const [way, options] of Object.entries(CUTS)) machines.push({ way, options, two: await twoMachines(times) })
  return Promise.all(
    machines.map(
      async ({ way, options, two }) => [way, await cutFor(milliseconds, two, options)] as [string, CutResult],
    ),
  )
}

describe('a worker that is cut off from PostgreSQL', unless(postgresMissing), () => {
  it('for less than its lease goes on with its task', async () => {
    for (const [way, { ended, overlapMs }] of await cutInAllWays(3000)) {
      expect({ way, overlapMs, first: ended[0] }).toEqual({ way, overlapMs: 0, first: 'far succeeded' })
    }
  })

  it('for more than its lease ends its task, and reports it when the database is back', async () => {
    for (const [way, { ended, overlapMs, lastTickMs }] of await cutInAllWays(6000)) {
      expect({ way, overlapMs, ended }).toEqual({ way, overlapMs: 0, ended: ['far interrupted', ended[1]] })
      expect(lastTickMs).toBeLessThan(5500)
    }
  })

  it('for long has ended its task before another worker takes it over', async () => {
    for (const [way, { ended, overlapMs, lastTickMs, tookOverMs }] of await cutInAllWays(18_000)) {
      expect({ way, overlapMs, ended }).toEqual({ way, overlapMs: 0, ended: ['far crashed', 'near succeeded'] })
      expect(lastTickMs).toBeLessThan(5500)
      expect(tookOverMs).toBeGreaterThan(7000)
    }
  })
})
