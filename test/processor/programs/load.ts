/** Loads processors as ops does. Each line that it is told is `{ root, module, name }`; it prints what came of it. */

import { SQLiteTable } from 'drizzle-orm/sqlite-core'
import * as core from '../../../src/index.ts'
import { loadProcessor } from '../../../src/processor/load-processor.ts'
import { listen } from '../../support/listen.ts'

/** What the plugins of the test say beside what a processor needs. */
interface Said {
  readonly madeFrom?: string
  readonly drizzleTable?: unknown
  readonly core?: unknown
}

listen(async (line) => {
  const { root, module, name } = JSON.parse(line)
  const plugin = { name: 'ops-plugin-email', version: '1.2.3', root, type: 'user', manifest: {} } as const
  try {
    const processor = await loadProcessor({ name, module, plugin })
    const said = processor as Said
    answer({
      name: processor.name,
      table: processor.table.name,
      madeFrom: said.madeFrom,
      isOurDrizzle: said.drizzleTable instanceof SQLiteTable,
      isOurCore: said.core === core,
    })
  } catch (error) {
    const { code, message, suggestions, cause } = error as Error & { code: string; suggestions: string[] }
    answer({ code, message, suggestions, cause: (cause as Error | undefined)?.message })
  }
})

function answer(value: object): void {
  console.log(JSON.stringify(value))
}
