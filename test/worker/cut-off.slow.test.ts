import { describe, expect, it } from 'vitest'
import { postgresMissing } from '../support/postgres-fixture.ts'
import { unless } from '../support/unless.ts'
import { cutInAllWays } from './cut-off.ts'

/* The same as in cut-off.test.ts, with the times that hold. */

describe('a worker that is cut off from PostgreSQL', unless(postgresMissing), () => {
  it.each([5, 15])('for %s s goes on with its task', async (seconds) => {
    for (const [way, result] of await cutInAllWays(seconds * 1000, {})) {
      console.log(`${seconds} s ${way}: ${JSON.stringify(result)}`)
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far succeeded' },
      })
    }
  })

  it('for 30 s ends its task, and reports it when the database is back', async () => {
    for (const [way, result] of await cutInAllWays(30_000, {})) {
      console.log(`30 s ${way}: ${JSON.stringify(result)}`)
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far interrupted' },
      })
      expect(result.lastTickMs).toBeLessThan(22_000)
    }
  })

  it.each([60, 120])(
    'for %s s has ended a program that ignores SIGTERM before the task is taken over',
    async (seconds) => {
      for (const [way, result] of await cutInAllWays(seconds * 1000, {}, { isStubborn: true })) {
        console.log(`${seconds} s ${way}: ${JSON.stringify(result)}`)
        expect({ way, overlapMs: result.overlapMs, ended: result.ended }).toEqual({
          ...{ way, overlapMs: 0, ended: ['far crashed', 'near succeeded'] },
        })
        expect(result.lastTickMs).toBeLessThan(29_000)
        expect(result.tookOverMs).toBeGreaterThan(36_000)
      }
    },
  )
})
