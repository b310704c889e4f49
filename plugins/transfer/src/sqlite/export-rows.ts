import { setImmediate as turn } from 'node:timers/promises'
import { TaskError } from '@ops-cli/core'
import type Database from 'better-sqlite3'
import { csvRow } from '../csv-text.ts'
import type { ExportedPiece, ExportRequest } from '../store.ts'
import { quote, type TableColumn } from '../table.ts'

/** Rows between two turns of the event loop: some milliseconds. */
const AT_ONCE = 1000

type Stored = string | number | bigint | Buffer | null

/**
 * The rows as one statement reads them, which is as they were when it began. As long as it runs the write-ahead log
 * cannot begin anew and grows by what others write; nobody waits for it.
 */
export async function* exportRows(database: Database.Database, request: ExportRequest): AsyncGenerator<ExportedPiece> {
  const { format, delimiter, columns, signal } = request
  const rows = select(database, request).iterate() as IterableIterator<Stored[]>
  const header = csvRow(
    columns.map(({ name }) => name),
    delimiter,
  )
  const line =
    format === 'csv'
      ? (row: Stored[]) =>
          csvRow(
            row.map((value, index) => asText(value, columns[index]!.column)),
            delimiter,
          )
      : (row: Stored[]) =>
          `{${row.map((value, index) => `${keys[index]}${asJson(value, columns[index]!.column)}`).join(',')}}\n`
  const keys = columns.map(({ name }) => `${JSON.stringify(name)}:`)
  let text = format === 'csv' ? header : ''
  let count = 0
  try {
    for (const row of rows) {
      text += line(row)
      count += 1
      if (count % AT_ONCE !== 0) continue
      yield { text, rows: count }
      text = ''
      await turn()
      signal.throwIfAborted()
    }
  } finally {
    rows.return?.()
  }
  yield { text, rows: count }
}

function select(database: Database.Database, { table, columns, where }: ExportRequest): Database.Statement {
  const fields = columns.map(({ column }) => quote(column.name)).join(', ')
  const order = table.primaryKey.length > 0 ? ` order by ${table.primaryKey.map(quote).join(', ')}` : ''
  try {
    // On lines of its own, so that a comment at its end hides nothing.
    const condition = where === null ? '' : ` where (\n${where}\n)`
    return database.prepare(`select ${fields} from ${table.sql}${condition}${order}`).raw().safeIntegers()
  } catch (error) {
    throw new TaskError(
      `"where" cannot be understood: ${(error as Error).message}; expected a condition in SQL, such as "age > 17"`,
      { cause: error, isFinal: true },
    )
  }
}

function asText(value: Stored, { kind }: TableColumn): string | null {
  if (value === null) return null
  if (typeof value === 'object') return `\\x${value.toString('hex')}`
  if (kind === 'boolean' && (value === 0n || value === 1n)) return String(value === 1n)
  return typeof value === 'number' && Object.is(value, -0) ? '-0' : String(value)
}

function asJson(value: Stored, column: TableColumn): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return column.kind === 'json' && isPlainJson(value) ? value : JSON.stringify(value)
  if (column.kind === 'boolean' && (value === 0n || value === 1n)) return String(value === 1n)
  if (typeof value === 'bigint') {
    // Most readers of JSON know no more digits than JavaScript does.
    return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`
  }
  return typeof value === 'number' && Number.isFinite(value)
    ? JSON.stringify(value)
    : JSON.stringify(asText(value, column))
}

/** An object or a list that reading and writing it does not change; anything else stays a text. */
function isPlainJson(text: string): boolean {
  if (!/^[{[]/.test(text)) return false
  try {
    return JSON.stringify(JSON.parse(text)) === text
  } catch {
    return false
  }
}
