import { describe, expect, it, onTestFinished } from 'vitest'
import { postgresMissing } from '../support/postgres-fixture.ts'
import { unless } from '../support/unless.ts'
import { disturb, startOwnPostgres } from './own-postgres.ts'
import { Random } from './random.ts'
import { runTorture } from './run-torture.ts'

describe('PostgreSQL', unless(postgresMissing), () => {
  it.each([
    ['is restarted', 'restart'],
    ['loses connections', 'cut'],
  ] as const)('%s repeatedly without losing a task', async (_, what) => {
    const server = await startOwnPostgres()
    onTestFinished(() => server.stop())
    const seed = Math.floor(Math.random() * 1_000_000)
    console.log(`torture with seed ${seed}`)
    const random = new Random(seed)
    const { figures, problems } = await runTorture({
      database: server.kind,
      kills: 0,
      workers: 3,
      seed,
      meanwhile: () => disturb(4, random, () => server[what](random)),
    })
    expect(problems).toEqual([])
    expect(figures).toMatchObject({ crashes: 0, recoveries: 0 })
    expect(figures.tasks).toBeGreaterThan(10)
  })
})
