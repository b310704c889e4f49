import pg from 'pg'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { Session } from './session.ts'
import { quote } from './values.ts'

const { builtins } = pg.types

/** Instants and their arrays, which Drizzle reads from the text; 1115, 1182, 1185, 1187 and 1231 are arrays. */
const leftAsText = new Set([
  ...[builtins.TIMESTAMPTZ, builtins.TIMESTAMP, builtins.DATE, builtins.INTERVAL],
  ...[1115, 1182, 1185, 1187, 1231],
])

/** What the driver makes of values for Drizzle, whose columns an existing table has. */
export const asForDrizzle: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (leftAsText.has(oid) ? (raw: unknown) => raw : pg.types.getTypeParser(oid, format)),
}

/** Reads the rows of existing tables that come as texts. */
export class ExistingRows {
  readonly #types = new Map<TaskTable, Readonly<Record<string, number>>>()

  async learn(session: Session, table: TaskTable): Promise<void> {
    if (!this.#types.has(table)) this.#types.set(table, await session.columnTypes(quote(table.name)))
  }

  read(table: TaskTable, row: Readonly<Record<string, string | null>>): Record<string, unknown> {
    const types = this.#types.get(table)!
    return Object.fromEntries(
      Object.entries(row).map(([name, text]) => [
        name,
        text === null ? null : asForDrizzle.getTypeParser(types[name]!, 'text')(text),
      ]),
    )
  }
}
