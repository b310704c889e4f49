import { TaskError } from '@ops-cli/core'
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { ExportedPiece, ExportRequest } from '../store.ts'
import { quote, type TableColumn } from '../table.ts'

/** Numbers beyond these are texts in JSON: most readers know no more digits than JavaScript does. */
const SAFE = Number.MAX_SAFE_INTEGER

/** The rows, as the server writes them, within a transaction that sees one moment. */
export async function* exportRows(client: pg.PoolClient, request: ExportRequest): AsyncGenerator<ExportedPiece> {
  const { format, delimiter, signal, table, where } = request
  await checkCondition(client, request)
  const condition = where === null ? '' : `where (\n${where}\n)`
  const order = table.primaryKey.length > 0 ? `order by ${table.primaryKey.map(quote).join(', ')}` : ''
  const select = `select ${fieldsOf(request).join(', ')} from ${table.sql} ${condition} ${order}`
  const statement =
    format === 'csv'
      ? `copy (${select}) to stdout with (format csv, header, delimiter ${delimiter === '\t' ? `E'\\t'` : `'${delimiter.replaceAll("'", "''")}'`})`
      : // JSON holds no control characters, so that with these nothing in it is quoted.
        `copy (select row_to_json(ops_row) from (${select}) ops_row) to stdout with (format csv, quote E'\\x01', delimiter E'\\x02')`
  const stream = client.query(copyTo(statement))
  let rows = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    rows += linesOf(chunk)
    yield { text: chunk, rows }
  }
  // Until here lines were counted, of which a text may hold several.
  yield { text: '', rows: stream.rowCount }
}

/** Sent so that the server takes one statement only: COPY takes no such, and would run what stands behind a semicolon. */
async function checkCondition(client: pg.PoolClient, { table, where }: ExportRequest): Promise<void> {
  if (where === null) return
  const text = `select 1 from ${table.sql} where (\n${where}\n) limit 0`
  try {
    await client.query({ text, queryMode: 'extended' } as pg.QueryConfig)
  } catch (error) {
    throw new TaskError(
      `"where" cannot be understood: ${(error as Error).message}; expected a condition in SQL, such as "age > 17"`,
      { cause: error, isFinal: true },
    )
  }
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
      // As JSON where reading and writing it changes nothing: no long numbers, no zeros at the end of a fraction.
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
