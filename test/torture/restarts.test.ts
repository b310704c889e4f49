import { describe, expect, it, onTestFinished } from 'vitest'
import { onPostgres, postgresMissing } from '../support/postgres-fixture.ts'
import { Chance } from './chance.ts'
import { disturb, postgresOfItsOwn } from './postgres-of-its-own.ts'
import { runTorture } from './run-torture.ts'

describe.skipIf(postgresMissing)(onPostgres('PostgreSQL'), () => {
  it.each([
    ['is restarted', 'restart'],
    ['loses connections', 'cut'],
  ] as const)('%s over and over, and that costs no task', async (_, what) => {
    const server = await postgresOfItsOwn()
    onTestFinished(() => server.stop())
    const seed = Math.floor(Math.random() * 1_000_000)
    console.log(`torture with the seed ${seed}`)
    const chance = new Chance(seed)
    const { figures, problems } = await runTorture({
      database: server.kind,
      kills: 0,
      workers: 3,
      seed,
      meanwhile: () => disturb(4, chance, () => server[what](chance)),
      tell: () => {},
    })
    expect(problems).toEqual([])
    expect(figures).toMatchObject({ crashes: 0, recoveries: 0 })
    expect(figures.tasks).toBeGreaterThan(10)
  })
})
