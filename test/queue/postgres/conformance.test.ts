import { describe } from 'vitest'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { queueConformance } from '../conformance.ts'

describe('PostgreSQL', unless(postgresMissing), () => {
  queueConformance('PostgreSQL', async (tables) => {
    const { url, queue, rows } = await postgresFixture(tables)
    return { queue, url, shellActor: 'postgres', secondQueue: async () => openQueue(url), sql: rows }
  })
})
