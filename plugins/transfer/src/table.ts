import { nearest, TaskError } from '@ops-cli/core'

/** The kind of values that a column takes. */
export type Kind =
  | 'text'
  | 'integer'
  /** An integer for a time, in milliseconds since the epoch. */
  | 'instant'
  /** A floating-point number. */
  | 'number'
  /** A number of any length, kept as text. */
  | 'decimal'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'json'
  | 'binary'
  /** Left to the database. */
  | 'any'

export interface TableColumn {
  readonly name: string
  /** As declared, for people. */
  readonly type: string
  readonly kind: Kind
  /** The type for an explicit cast, without a length, which would truncate the value. */
  readonly castTo?: string
  /** Of an integer. */
  readonly bits: 16 | 32 | 64
  readonly isNotNull: boolean
  /** Whether a row may omit it although it is not null. */
  readonly hasDefault: boolean
  /** Computed by the database, and not writable. */
  readonly isGenerated: boolean
}

/** A table as the database describes it. */
export interface Table {
  /** Its full name, for people. */
  readonly name: string
  /** Its quoted name, for SQL. */
  readonly sql: string
  readonly columns: readonly TableColumn[]
  /** Empty if there is none. */
  readonly primaryKey: readonly string[]
  /** The columns of each unique index, including the primary key, without partial and expression indexes. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** Whether a text may contain a null character. */
  readonly takesNullCharacter: boolean
  /** Whether a number may be NaN. */
  readonly takesNaN: boolean
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** What to do with a row that already exists. */
export type Conflict = { readonly do: 'fail' | 'skip' } | { readonly do: 'update'; readonly key: readonly string[] }

/** The ON CONFLICT clause of an INSERT into these columns. */
export function onConflict(conflict: Conflict, columns: readonly TableColumn[]): string {
  if (conflict.do !== 'update') return conflict.do === 'skip' ? 'on conflict do nothing' : ''
  const { key } = conflict
  const updates = columns
    .filter(({ name }) => !key.includes(name))
    .map(({ name }) => `${quote(name)} = excluded.${quote(name)}`)
  return `on conflict (${key.map(quote).join(', ')}) do ${updates.length > 0 ? `update set ${updates.join(', ')}` : 'nothing'}`
}

/** `did you mean "email"?`, or the known names. */
export function suggest(word: string, known: readonly string[], all: string): string {
  const name = nearest(word, known)
  return name === undefined ? `${all}: ${known.join(', ')}` : `did you mean "${name}"?`
}

export function missingTable(name: string, known: readonly string[]): TaskError {
  const advice = suggest(name, known.toSorted(), 'existing tables')
  return new TaskError(`table "${name}" does not exist; ${advice}`, { isFinal: true })
}

/**
 * The tables that imports and exports may use.
 *
 * @throws TaskError when it is not one of the settings
 */
export function requireAllowedTable(name: string, tables: readonly string[]): void {
  if (tables.includes(name)) return
  const list =
    tables.length > 0 ? `: ${tables.join(', ')}` : ', which is empty: plugins: { transfer: { tables: ["…"] } }'
  throw new TaskError(`table "${name}" is not in plugins.transfer.tables${list}`, { isFinal: true })
}

/** Tables of ops and of the database itself, and task tables, whose rows are what a worker does. */
export function requireOrdinaryTable(name: string, columns: readonly { readonly name: string }[]): void {
  const isTaskTable = ['status', 'run_at', 'attempt'].every((one) => columns.some((column) => column.name === one))
  const owner = /^(ops|sqlite|pg)_/i.test(name)
    ? 'it belongs to ops or the database'
    : isTaskTable
      ? 'it has tasks'
      : undefined
  if (owner !== undefined) throw new TaskError(`"${name}" cannot be imported or exported: ${owner}`, { isFinal: true })
}

export function notImportable(name: string, reason: string): TaskError {
  return new TaskError(`cannot import into "${name}": ${reason}`, { isFinal: true })
}
