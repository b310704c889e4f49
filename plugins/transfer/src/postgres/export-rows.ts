import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { ExportChunk, ExportRequest } from '../store.ts'
import { quote, type TableColumn } from '../table.ts'

/** Larger numbers are strings in JSON: most readers keep no more digits than JavaScript. */
const SAFE = Number.MAX_SAFE_INTEGER

/** The rows as the server formats them, inside a transaction with one snapshot. */
export async function* exportRows(client: pg.PoolClient, request: ExportRequest): AsyncGenerator<ExportChunk> {
  const { format, delimiter, signal, table } = request
  const order = table.primaryKey.length > 0 ? `order by ${table.primaryKey.map(quote).join(', ')}` : ''
  const select = `select ${fieldsOf(request).join(', ')} from ${table.sql} ${order}`
  const statement =
    format === 'csv'
      ? `copy (${select}) to stdout with (format csv, header, delimiter ${delimiter === '\t' ? `E'\\t'` : `'${delimiter.replaceAll("'", "''")}'`})`
      : // JSON contains no control characters, so nothing in it is quoted with these.
        `copy (select row_to_json(ops_row) from (${select}) ops_row) to stdout with (format csv, quote E'\\x01', delimiter E'\\x02')`
  const stream = client.query(copyTo(statement))
  let rows = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    rows += linesOf(chunk)
    yield { text: chunk, rows }
  }
  // So far lines were counted, and a text may contain several.
  yield { text: '', rows: stream.rowCount }
}

function fieldsOf({ format, columns }: ExportRequest): string[] {
  const write = format === 'csv' ? inCsv : inJson
  return columns.map(({ name, column }) => `${write(column)} as ${quote(name)}`)
}

function inCsv({ name, kind }: TableColumn): string {
  return kind === 'boolean' ? `${quote(name)}::text` : quote(name)
}

function inJson({ name, kind, castTo }: TableColumn): string {
  const column = quote(name)
  switch (kind) {
    case 'integer':
      return castTo === 'bigint'
        ? `case when ${column} between -${SAFE} and ${SAFE} then to_json(${column}) else to_json(${column}::text) end`
        : column
    case 'json':
      // As JSON if JavaScript reads and writes it unchanged: no long numbers, no trailing zeros.
      return castTo === 'jsonb'
        ? `case when jsonb_typeof(${column}) in ('object', 'array') and ${column}::text !~ '[0-9]{16}|[.][0-9]*0([^0-9]|$)'
            then ${column}::json else to_json(${column}::text) end`
        : `${column}::text`
    case 'number':
    case 'boolean':
    case 'text':
    case 'timestamp':
    case 'date':
      return column
    default:
      return `${column}::text`
  }
}

function linesOf(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count += 1
  return count
}
