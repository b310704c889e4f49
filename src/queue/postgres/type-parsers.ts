import pg from 'pg'
import type { TaskTable } from '../../task-table/task-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'

const { builtins } = pg.types

/** The types of ops' own statements: bigint ids and counts are numbers, where a number can hold them. */
export const opsTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === builtins.INT8 ? exactly : pg.types.getTypeParser(oid, format as 'text')),
}

/** An integer as a number, or as its text if it is beyond what a number holds exactly. */
export function exactly(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}

/** Instants, which Drizzle parses from text; 1115, 1182, 1185, 1187 and 1231 are arrays. */
const instantTypes = new Set([
  ...[builtins.TIMESTAMPTZ, builtins.TIMESTAMP, builtins.DATE, builtins.INTERVAL],
  ...[1115, 1182, 1185, 1187, 1231],
])

/** The types that Drizzle's columns expect from the driver, as an existing table has them. */
export const drizzleTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (instantTypes.has(oid) ? (raw: unknown) => raw : pg.types.getTypeParser(oid, format)),
}

/** Parses rows of existing tables that come as texts in JSON. */
export class RowParser {
  readonly #types = new Map<TaskTable, Readonly<Record<string, number>>>()

  /** Asks for the column types of a table, once. */
  async prepare(session: Session, table: TaskTable): Promise<void> {
    if (!this.#types.has(table)) this.#types.set(table, await session.columnTypes(quote(table.name)))
  }

  parse(table: TaskTable, row: Readonly<Record<string, string | null>>): Record<string, unknown> {
    const types = this.#types.get(table)!
    return Object.fromEntries(
      Object.entries(row).map(([name, text]) => [
        name,
        text === null ? null : drizzleTypes.getTypeParser(types[name]!, 'text')(text),
      ]),
    )
  }
}
