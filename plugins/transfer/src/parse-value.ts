import { isTooDeep } from './records.ts'
import type { Value } from './store.ts'
import type { Table, TableColumn } from './table.ts'

/** A value that its column does not take. The reason does not quote it: errors are read by more people than files. */
export class InvalidValue {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Converts a field of a file to a value of one column: a string or null from CSV, any JSON value from NDJSON. */
export type ValueParser = (raw: unknown) => Value | InvalidValue

/** The parser of a column, created once per file. */
export function valueParser(column: TableColumn, table: Pick<Table, 'takesNullCharacter' | 'takesNaN'>): ValueParser {
  const { name, isNotNull } = column
  const parse = parserOf(column, table)
  const wanted =
    column.kind === 'integer'
      ? `a ${column.bits}-bit integer`
      : (EXPECTED[column.kind] ?? `a value of type ${column.type}`)
  return (raw) => {
    if (raw === null || raw === undefined)
      return isNotNull
        ? new InvalidValue(`"${name}" must not be null${column.kind === 'text' ? ' ("" is an empty string)' : ''}`)
        : null
    if (typeof raw === 'string' && raw.includes('\0') && !table.takesNullCharacter)
      return new InvalidValue(`"${name}" contains a null character, which the database does not support`)
    const value = parse(raw)
    return value === undefined ? new InvalidValue(`"${name}": expected ${wanted}`) : value
  }
}

const EXPECTED: Partial<Record<TableColumn['kind'], string>> = {
  text: 'a string',
  instant: 'a time such as 2030-01-31T12:00:00Z, or milliseconds',
  number: 'a number',
  decimal: 'a number',
  boolean: 'true or false',
  timestamp: 'a timestamp such as 2030-01-31 12:00:00',
  date: 'a date such as 2030-01-31',
  json: 'JSON',
  binary: 'bytes such as \\x00ff',
}

type Parse = (raw: unknown) => Value | undefined

function parserOf({ kind, bits }: TableColumn, { takesNaN }: Pick<Table, 'takesNaN'>): Parse {
  switch (kind) {
    case 'integer':
      return (raw) => integer(raw, bits)
    case 'instant':
      return (raw) =>
        integer(raw, bits) ??
        (typeof raw === 'string' && /[Tt ].*(Z|[+-]\d\d:?\d\d)$/.test(raw) ? instant(raw) : undefined)
    case 'number':
      return (raw) => number(raw, takesNaN)
    case 'decimal':
      return (raw) => decimal(raw, takesNaN)
    case 'boolean':
      return boolean
    case 'timestamp':
      return (raw) => (isTime(raw) ? (raw as string).trim() : undefined)
    case 'date':
      return (raw) => (isTime(raw) ? (raw as string).trim() : undefined)
    case 'json':
      return json
    case 'binary':
      return (raw) =>
        typeof raw === 'string' && /^\\x([0-9a-f]{2})*$/i.test(raw) ? Buffer.from(raw.slice(2), 'hex') : undefined
    case 'text':
      return (raw) => (typeof raw === 'string' ? wellFormed(raw) : typeof raw === 'object' ? toJson(raw) : String(raw))
    case 'any':
      return (raw) =>
        typeof raw === 'string' ? wellFormed(raw) : typeof raw === 'object' ? toJson(raw) : (raw as Value)
  }
}

/** A lone surrogate, which JSON can contain, is not valid in UTF-8. */
function wellFormed(text: string): string | undefined {
  return text.isWellFormed() ? text : undefined
}

function integer(raw: unknown, bits: number): number | bigint | undefined {
  if (typeof raw === 'number')
    return Number.isSafeInteger(raw) && Math.abs(raw) < 2 ** bits ? inRange(BigInt(raw), bits) : undefined
  if (typeof raw === 'bigint') return inRange(raw, bits)
  if (typeof raw !== 'string') return undefined
  const text = raw.trim()
  if (!/^[+-]?\d{1,30}$/.test(text)) return undefined
  const value = Number(text)
  return Math.abs(value) < 2 ** 15 ? value : inRange(BigInt(text.replace(/^\+/, '')), bits)
}

function inRange(value: bigint, bits: number): number | bigint | undefined {
  if (BigInt.asIntN(bits, value) !== value) return undefined
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function number(raw: unknown, takesNaN: boolean): number | undefined {
  if (typeof raw === 'number' || typeof raw === 'bigint') return Number(raw)
  if (typeof raw !== 'string') return undefined
  const text = raw.trim()
  if (NUMBER.test(text)) return Number(text)
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return takesNaN && /^nan$/i.test(text) ? Number.NaN : undefined
}

/** Stays a string: a JavaScript number would lose digits. */
function decimal(raw: unknown, takesNaN: boolean): string | undefined {
  if (typeof raw === 'number' || typeof raw === 'bigint') return String(raw)
  if (typeof raw !== 'string') return undefined
  const text = raw.trim()
  return NUMBER.test(text) || (takesNaN && /^(nan|[+-]?inf(inity)?)$/i.test(text)) ? text : undefined
}

function boolean(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw
  const text = String(raw).trim()
  if (/^(true|t|yes|y|on|1)$/i.test(text)) return true
  return /^(false|f|no|n|off|0)$/i.test(text) ? false : undefined
}

/** A string must be JSON, and stays as it is. */
function json(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return toJson(raw)
  if (isTooDeep(raw)) return undefined
  try {
    JSON.parse(raw)
    return raw
  } catch {
    return undefined
  }
}

/** Keeps all digits of large numbers. */
function toJson(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? rawJSON(String(part)) : part))
}

const TIME =
  /^(\d{4,7})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(?:Z|z|UTC|[+-]\d\d(?::?\d\d){0,2})?)?(?: BC)?$/

function isTime(raw: unknown): boolean {
  if (typeof raw !== 'string') return false
  const text = raw.trim()
  if (/^-?infinity$/.test(text)) return true
  const found = TIME.exec(text)
  if (!found) return false
  const [year, month, day, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)))
  const days = new Date(Date.UTC(2000 + (year! % 400), month!, 0)).getUTCDate()
  return month! >= 1 && month! <= 12 && day! >= 1 && day! <= days && hour <= 24 && minute < 60 && second <= 60
}

function instant(text: string): number | undefined {
  const at = isTime(text) ? Date.parse(text.trim()) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
