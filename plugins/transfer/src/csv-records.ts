import { TaskError } from '@ops-cli/core'
import { type CsvError, Parser } from 'csv-parse'
import { type FileRecord, LONGEST_RECORD, type Records, withFirst } from './records.ts'
import { Utf8Marker } from './utf8.ts'

type Field = string | null

/** What csv-parse found. */
interface Parsed {
  readonly line: number
  readonly fields: readonly Field[]
  readonly problem?: string
}

interface CsvOptions {
  readonly delimiter: string
  /** The names of the fields, for a file whose first line has none. */
  readonly names: readonly string[] | undefined
}

/**
 * Reads CSV as RFC 4180 has it, with line breaks of any kind. A field that is empty and not quoted is null, as
 * PostgreSQL has it.
 *
 * @throws TaskError when there is no line of names, or a quote is never closed
 */
export async function csvRecords(chunks: AsyncIterable<Buffer>, { delimiter, names }: CsvOptions): Promise<Records> {
  const marker = new Utf8Marker()
  const batches = parsed(chunks, delimiter, marker)[Symbol.asyncIterator]()
  const first: Parsed[] = []
  if (names === undefined)
    while (first.length === 0) {
      const { value, done } = await batches.next()
      if (done) throw new TaskError('the file is empty, expected a line with the names of the columns')
      first.push(...value)
    }
  const header = names ?? headerOf(first.shift()!, marker)
  return { names: header, batches: checked(withFirst(first, batches), header, marker) }
}

function headerOf({ fields, problem }: Parsed, { mark, hasMarked }: Utf8Marker): string[] {
  if (problem !== undefined) throw new TaskError(`the line of names cannot be read: ${problem}`)
  if (hasMarked && fields.some((field) => field?.includes(mark))) throw new TaskError(NOT_UTF8)
  return fields.map((name) => name?.trim() ?? '')
}

const NOT_UTF8 = 'it is not UTF-8; convert the file, as in: iconv -f latin1 -t utf-8'

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
      // An empty line is a row of one null only where rows have one field.
      if (fields.length === 1 && fields[0] === null && expected > 1 && record.problem === undefined) continue
      records.push(record)
      if (record.problem === undefined && fields.length !== expected)
        records[records.length - 1] = {
          ...record,
          problem: `it has ${count(fields.length, 'field')}, expected ${expected}`,
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

/** Gives each chunk to the parser and takes what came out of it: no queue of its own, and no turn for each row. */
async function* parsed(chunks: AsyncIterable<Buffer>, delimiter: string, marker: Utf8Marker): AsyncGenerator<Parsed[]> {
  let batch: Parsed[] = []
  const lines = new LineCount()
  const parser = new Parser({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: LONGEST_RECORD,
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
  // Of the parser, which has it for everybody to see, but not in its types.
  const { state } = parser as unknown as { state: { quoting: boolean; record: unknown } }
  let bad: unknown

  /** Throws what cannot be left out. */
  function skip(error: CsvError): void {
    const line = lines.ofError(error.lines as number)
    if (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE')
      throw new TaskError(`line ${lines.next}: a quote is opened and never closed`, { cause: error })
    // As if the quote were none: otherwise all up to the next quote, lines further down, would be of this field.
    state.quoting = false
    // Several things may be wrong with one record; the first of them is told.
    if (state.record !== bad) batch.push({ line, fields: [], problem: explain(error) })
    bad = state.record
  }

  for await (const chunk of chunks) {
    await write(parser, marker.push(chunk))
    if (batch.length > 0) yield batch
    batch = []
  }
  await write(parser, marker.end())
  await finish(parser)
  if (batch.length > 0) yield batch
}

/** csv-parse counts a CRLF within quotes as two lines, and says where a record ends and not where it begins. */
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

  /** Where the record behind the last whole one begins. */
  get next(): number {
    return this.#last + 1
  }
}

function explain({ code }: CsvError): string {
  if (code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'behind a closing quote there must be a delimiter; a quote within a field is written twice'
  if (code === 'INVALID_OPENING_QUOTE')
    return 'there is a quote within a field that is not quoted; quote the field and write the quote twice'
  return `it cannot be read (${code})`
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

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
