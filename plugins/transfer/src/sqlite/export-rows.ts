import { setImmediate as turn } from 'node:timers/promises'
import type Database from 'better-sqlite3'
import type { ExportChunk, ExportRequest } from '../store.ts'
import { quote, type TableColumn } from '../table.ts'

/** Rows between two turns of the event loop: some milliseconds. */
const BATCH_ROWS = 1000

type Stored = string | number | bigint | Buffer | null

/**
 * The rows of one statement, which sees the snapshot of its start. While it runs, the write-ahead log cannot be reset and
 * grows with every write; nobody waits for it.
 */
export async function* exportRows(database: Database.Database, request: ExportRequest): AsyncGenerator<ExportChunk> {
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
      if (count % BATCH_ROWS !== 0) continue
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

function select(database: Database.Database, { table, columns }: ExportRequest): Database.Statement {
  const fields = columns.map(({ column }) => quote(column.name)).join(', ')
  const order = table.primaryKey.length > 0 ? ` order by ${table.primaryKey.map(quote).join(', ')}` : ''
  return database.prepare(`select ${fields} from ${table.sql}${order}`).raw().safeIntegers()
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
    // Most readers of JSON keep no more digits than JavaScript.
    return Number.isSafeInteger(Number(value)) ? String(value) : `"${value}"`
  }
  return typeof value === 'number' && Number.isFinite(value)
    ? JSON.stringify(value)
    : JSON.stringify(asText(value, column))
}

/** An object or a list that JavaScript reads and writes unchanged; anything else stays a text. */
function isPlainJson(text: string): boolean {
  if (!/^[{[]/.test(text)) return false
  try {
    return JSON.stringify(JSON.parse(text)) === text
  } catch {
    return false
  }
}

/**
 * A row of CSV. Null is an empty field and an empty string is `""`, as in PostgreSQL; values that readers might trim are
 * quoted.
 */
function csvRow(fields: readonly (string | null)[], delimiter: string): string {
  let row = ''
  for (let index = 0; index < fields.length; index++) {
    const text = fields[index]!
    row += index > 0 ? delimiter : ''
    row += text === null ? '' : needsQuotes(text, delimiter) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return `${row}\n`
}

function needsQuotes(text: string, delimiter: string): boolean {
  return text === '' || text.includes(delimiter) || /["\n\r]|^[\s\ufeff]|\s$/.test(text)
}
