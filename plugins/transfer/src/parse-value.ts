import type { Value } from './store.ts'
import type { Table, TableColumn } from './table.ts'

/** Why a value is not one of its column: what was expected, and what was got. */
export class Refusal {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Makes what a file holds into a value of one column: a text or null from CSV, anything that JSON knows from NDJSON. */
export type ValueParser = (raw: unknown) => Value | Refusal

/** The parser of a column, made once for a whole file. */
export function valueParser(column: TableColumn, table: Pick<Table, 'takesNullCharacter' | 'takesNaN'>): ValueParser {
  const { name, isNotNull } = column
  const parse = parserOf(column, table)
  const expected = EXPECTED[column.kind] ?? `a value of the type ${column.type}`
  return (raw) => {
    if (raw === null || raw === undefined)
      return isNotNull
        ? new Refusal(`"${name}" is empty and must not be${column.kind === 'text' ? '; "" is an empty text' : ''}`)
        : null
    if (typeof raw === 'string' && raw.includes('\0') && !table.takesNullCharacter)
      return new Refusal(`"${name}" holds a character of code 0, which the database does not take`)
    const value = parse(raw)
    return value === undefined
      ? new Refusal(`"${name}" must be ${expectedOf(column, expected)}, not ${shown(raw)}`)
      : value
  }
}

const EXPECTED: Partial<Record<TableColumn['kind'], string>> = {
  text: 'a text',
  instant: 'an instant such as 2030-01-31T12:00:00Z, or its milliseconds',
  number: 'a number',
  decimal: 'a number',
  boolean: 'true or false',
  timestamp: 'a time such as 2030-01-31 12:00:00',
  date: 'a day such as 2030-01-31',
  json: 'JSON',
  binary: 'bytes such as \\x00ff',
}

function expectedOf({ kind, bits }: TableColumn, expected: string): string {
  return kind === 'integer' ? `a whole number of ${bits} bits` : expected
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

/** Half of a pair of surrogates, which JSON can write, is no text in UTF-8. */
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

/** Stays a text: a number of JavaScript would lose digits. */
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

/** A text must be JSON, and stays as it is written. */
function json(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return toJson(raw)
  try {
    JSON.parse(raw)
    return raw
  } catch {
    return undefined
  }
}

/** With all digits of a number that JavaScript cannot hold. */
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

/** A value as the file has it, cut where it is long. */
function shown(raw: unknown): string {
  const text = toJson(raw)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
