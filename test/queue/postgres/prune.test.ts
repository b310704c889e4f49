import { describe } from 'vitest'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { pruneConformance } from '../prune.ts'

describe('PostgreSQL', unless(postgresMissing), () => {
  pruneConformance('PostgreSQL', async (tables) => {
    const { url, queue, rows } = await postgresFixture(tables)
    return { queue, url, shellActor: 'postgres', secondQueue: async () => openQueue(url), sql: rows }
  })
})
