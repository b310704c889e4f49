import { describe, expect, it } from 'vitest'
import { postgres } from '../support/postgres-fixture.ts'
import { sqlite } from '../support/test-database.ts'
import { notLinux, unless } from '../support/unless.ts'
import { runTorture } from './run-torture.ts'

describe.each([sqlite, postgres])('on $name', (database) => {
  it.each([
    ['workers are killed at random', false],
    ['its tables are migrated, too', true],
  ])('keeps every promise while %s', unless(database.missing ?? notLinux), async (_, migrates) => {
    const seed = Math.floor(Math.random() * 1_000_000)
    console.log(`torture with seed ${seed}`)
    const { figures, problems } = await runTorture({ database, kills: migrates ? 8 : 12, workers: 3, seed, migrates })
    expect(problems).toEqual([])
    expect(figures).toMatchObject({ kills: expect.any(Number), crashes: expect.any(Number) })
    expect(figures['kills during a task']).toBeGreaterThan(0)
    if (migrates) expect(figures.migrations).toBeGreaterThan(0)
  })
})
