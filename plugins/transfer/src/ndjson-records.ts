import { formatBytes, TaskError } from '@ops-cli/core'
import {
  type FileRecord,
  isTooDeep,
  LONGEST_RECORD_BYTES,
  quoteName,
  type Records,
  TOO_DEEP,
  withFirst,
} from './records.ts'
import { Utf8Marker } from './utf8.ts'

interface Parsed {
  readonly line: number
  readonly object: Readonly<Record<string, unknown>>
  readonly problem?: string
  readonly text?: string
}

/**
 * Reads one JSON object per line. The first one decides the names, with those that are given.
 *
 * @throws TaskError when there is none
 */
export async function ndjsonRecords(
  chunks: AsyncIterable<Buffer>,
  { names }: { readonly names: readonly string[] | undefined },
): Promise<Records> {
  const batches = parsed(chunks)[Symbol.asyncIterator]()
  const read: Parsed[] = []
  let first: Parsed | undefined
  while (!first) {
    const { value, done } = await batches.next()
    if (done) throw new TaskError(explainEmpty(read))
    read.push(...value)
    first = read.find(({ problem }) => problem === undefined)
  }
  const all = [...new Set([...Object.keys(first.object), ...(names ?? [])])]
  return { names: all, batches: aligned(withFirst(read, batches), all) }
}

function explainEmpty([first]: readonly Parsed[]): string {
  return first
    ? `the file contains no JSON object; line ${first.line}: ${first.problem}`
    : 'the file is empty; expected one JSON object per line'
}

async function* aligned(
  batches: AsyncIterable<readonly Parsed[]>,
  names: readonly string[],
): AsyncGenerator<readonly FileRecord[]> {
  const known = new Set(names)
  for await (const batch of batches)
    yield batch.map(({ line, object, problem, text }) => {
      if (problem !== undefined) return { line, fields: [text], problem }
      const fields = names.map((name) => (Object.hasOwn(object, name) ? object[name] : null))
      const keys = Object.keys(object)
      const other = keys.findIndex((name) => !known.has(name))
      if (other < 0) return { line, fields }
      return {
        line,
        fields,
        problem: `unknown key ${quoteName(keys[other]!, other)}, which the first row does not have; list all keys in "columns"`,
      }
    })
}

async function* parsed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Parsed[]> {
  const marker = new Utf8Marker()
  let rest: Buffer = Buffer.alloc(0)
  let line = 0
  const parse = (bytes: Buffer): Parsed[] =>
    bytes
      .toString()
      .split('\n')
      .flatMap((text) => {
        line += 1
        return text.trim() === '' ? [] : [parseLine(text, line, marker)]
      })
  for await (const chunk of chunks) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, marker.push(chunk)]) : marker.push(chunk)
    const end = bytes.lastIndexOf(10)
    rest = end < 0 ? bytes : bytes.subarray(end + 1)
    if (rest.length > LONGEST_RECORD_BYTES)
      throw new TaskError(`line ${line + 1} is longer than ${formatBytes(LONGEST_RECORD_BYTES)}`)
    if (end >= 0) yield parse(bytes.subarray(0, end))
  }
  const last = Buffer.concat([rest, marker.end()])
  if (last.length > 0) yield parse(last)
}

function parseLine(text: string, line: number, marker: Utf8Marker): Parsed {
  if (marker.hasMarked && text.includes(marker.mark))
    return { line, object: {}, text: marker.unmarked(text), problem: 'not UTF-8' }
  if (isTooDeep(text)) return { line, object: {}, text: text.slice(0, 1000), problem: TOO_DEEP }
  try {
    // Numbers with more digits than JavaScript keeps are parsed from their text.
    const value: unknown = /\d{16}/.test(text) ? JSON.parse(text, keepDigits as never) : JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { line, object: value as Record<string, unknown> }
    return { line, object: {}, text, problem: 'not a JSON object' }
  } catch (error) {
    return { line, object: {}, text, problem: `invalid JSON${placeOf(error)}` }
  }
}

/** The parser's own message quotes the line. */
function placeOf(error: unknown): string {
  const position = /at position (\d+)/.exec((error as Error).message)?.[1]
  return position === undefined ? '' : ` at column ${Number(position) + 1}`
}

function keepDigits(this: unknown, _key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source) && !Number.isSafeInteger(value))
    return BigInt(source)
  return value
}
