import { openQueue, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { pruneConformance } from '../prune.ts'

pruneConformance('SQLite', async (tables) => {
  const { file, queue, raw } = await sqliteFixture(tables)
  return {
    queue,
    url: `sqlite:${file}`,
    shellActor: null,
    secondQueue: async () => openQueue(file),
    sql: async (text) => {
      const statement = raw.prepare(text)
      if (statement.reader) return statement.all() as Record<string, unknown>[]
      statement.run()
      return []
    },
  }
})
