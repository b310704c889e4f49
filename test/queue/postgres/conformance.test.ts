import { describe } from 'vitest'
import { onPostgres, openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { queueConformance } from '../conformance.ts'

describe.skipIf(postgresMissing)(onPostgres('PostgreSQL'), () => {
  queueConformance('PostgreSQL', async (tables) => {
    const { url, queue, rows } = await postgresFixture(tables)
    return { queue, url, shellActor: 'postgres', secondQueue: async () => openQueue(url), sql: rows }
  })
})
