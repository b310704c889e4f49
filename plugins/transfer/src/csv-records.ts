import { formatBytes, formatCount, TaskError } from '@ops-cli/core'
import { type CsvError, Parser } from 'csv-parse'
import { type FileRecord, LONGEST_RECORD_BYTES, type Records, withFirst } from './records.ts'
import { Utf8Marker } from './utf8.ts'

type Field = string | null

/** A record of csv-parse. */
interface Parsed {
  readonly line: number
  readonly fields: readonly Field[]
  readonly problem?: string
}

interface CsvOptions {
  readonly delimiter: string
  /** The names of the fields, for a file without a header. */
  readonly names: readonly string[] | undefined
}

/**
 * Reads CSV (RFC 4180) with line breaks of any kind. An empty field without quotes is null, as in PostgreSQL.
 *
 * @throws TaskError when there is no header, or a quote is not closed
 */
export async function csvRecords(chunks: AsyncIterable<Buffer>, { delimiter, names }: CsvOptions): Promise<Records> {
  const marker = new Utf8Marker()
  const batches = parsed(chunks, delimiter, marker)[Symbol.asyncIterator]()
  const first: Parsed[] = []
  if (names === undefined)
    while (first.length === 0) {
      const { value, done } = await batches.next()
      if (done) throw new TaskError('the file is empty; expected a header line with column names')
      first.push(...value)
    }
  const header = names ?? headerOf(first.shift()!, marker)
  return { names: header, batches: checked(withFirst(first, batches), header, marker) }
}

function headerOf({ fields, problem }: Parsed, { mark, hasMarked }: Utf8Marker): string[] {
  if (problem !== undefined) throw new TaskError(`invalid header line: ${problem}`)
  if (hasMarked && fields.some((field) => field?.includes(mark))) throw new TaskError(NOT_UTF8)
  return fields.map((name) => name?.trim() ?? '')
}

const NOT_UTF8 = 'not UTF-8; convert the file: iconv -f latin1 -t utf-8'

async function* checked(
  batches: AsyncIterable<readonly Parsed[]>,
  names: readonly string[],
  marker: Utf8Marker,
): AsyncGenerator<readonly FileRecord[]> {
  const expected = names.length
  for await (const batch of batches) {
    const records: FileRecord[] = []
    for (const record of batch) {
      const { fields } = record
      // An empty line is a row of one null only if rows have one field.
      if (fields.length === 1 && fields[0] === null && expected > 1 && record.problem === undefined) continue
      records.push(record)
      if (record.problem === undefined && fields.length !== expected)
        records[records.length - 1] = {
          ...record,
          problem: `expected ${formatCount(expected, 'field')}, got ${fields.length}`,
        }
      if (marker.hasMarked && fields.some((field) => field?.includes(marker.mark)))
        records[records.length - 1] = {
          ...record,
          fields: fields.map((field) => field && marker.unmarked(field)),
          problem: NOT_UTF8,
        }
    }
    if (records.length > 0) yield records
  }
}

/** Parses chunk by chunk: without the queue of a stream, and without a turn of the event loop per row. */
async function* parsed(chunks: AsyncIterable<Buffer>, delimiter: string, marker: Utf8Marker): AsyncGenerator<Parsed[]> {
  let batch: Parsed[] = []
  const lines = new LineCount()
  const parser = new Parser({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: LONGEST_RECORD_BYTES,
    cast: (text, { quoting }) => (text === '' && !quoting ? null : text),
    on_record: (fields, { lines: counted }) => {
      batch.push({ line: lines.ofRecord(fields as Field[], counted), fields: fields as Field[] })
      return undefined
    },
    on_skip: (error) => {
      skip(error!)
      return undefined
    },
  })
  // A public property of the parser that is missing in its types.
  const { state } = parser as unknown as { state: { quoting: boolean; record: unknown } }
  let bad: unknown

  /** Throws errors that cannot be skipped. */
  function skip(error: CsvError): void {
    const line = lines.ofError(error.lines as number)
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      const size = formatBytes(LONGEST_RECORD_BYTES)
      throw new TaskError(`line ${lines.next}: longer than ${size}, or an unclosed quote`, { cause: error })
    }
    if (error.code === 'CSV_QUOTE_NOT_CLOSED')
      throw new TaskError(`line ${lines.next}: unclosed quote`, { cause: error })
    // Ignores the quote: otherwise everything up to the next one, lines further down, would belong to this field.
    state.quoting = false
    // A record may have several problems; the first one is reported.
    if (state.record !== bad) batch.push({ line, fields: [], problem: explain(error) })
    bad = state.record
  }

  // An error is thrown by `write` and emitted as well, which would end the worker if nobody listened.
  parser.on('error', () => {})
  for await (const chunk of chunks) {
    await write(parser, marker.push(chunk))
    if (batch.length > 0) yield batch
    batch = []
  }
  await write(parser, marker.end())
  await finish(parser)
  if (batch.length > 0) yield batch
}

/** csv-parse counts a CRLF within quotes as two lines, and reports where a record ends, not where it begins. */
class LineCount {
  #tooMany = 0
  #last = 0

  ofRecord(fields: readonly Field[], counted: number): number {
    let line = counted - this.#tooMany
    if (line - this.#last > 1) {
      const breaks = fields.flatMap((field) => field?.match(/\r\n|\r|\n/g) ?? [])
      const doubled = breaks.filter((text) => text === '\r\n').length
      this.#tooMany += doubled
      line -= doubled
      this.#last = line
      return line - breaks.length
    }
    this.#last = line
    return line
  }

  ofError(counted: number): number {
    return counted - this.#tooMany
  }

  /** The first line of the record after the last complete one. */
  get next(): number {
    return this.#last + 1
  }
}

function explain({ code }: CsvError): string {
  if (code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'expected a delimiter after the closing quote (double a quote inside a field)'
  if (code === 'INVALID_OPENING_QUOTE') return 'quote inside an unquoted field (quote the field and double the quote)'
  return `cannot be parsed (${code})`
}

function write(parser: Parser, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.once('error', reject)
    parser.write(chunk, (error) => {
      parser.off('error', reject)
      if (error) reject(error)
      else resolve()
    })
  })
}

function finish(parser: Parser): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.once('error', reject).once('end', resolve).resume().end()
  })
}
