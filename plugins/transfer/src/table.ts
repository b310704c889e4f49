/** What a column holds, as far as it decides which values it takes. */
export type Kind =
  | 'text'
  | 'integer'
  /** A whole number that stands for an instant, in milliseconds since the epoch. */
  | 'instant'
  /** A floating-point number. */
  | 'number'
  /** A number of any length, which stays a text on its way. */
  | 'decimal'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'json'
  | 'binary'
  /** Whatever the database makes of the text. */
  | 'any'

export interface TableColumn {
  readonly name: string
  /** As it was declared. For people. */
  readonly type: string
  readonly kind: Kind
  /** What a text is cast to where the database does not do so by itself: without a length, which would cut it. */
  readonly castTo?: string
  /** Of an integer. */
  readonly bits: 16 | 32 | 64
  readonly isNotNull: boolean
  /** Whether a row may leave it out although it is not null. */
  readonly hasDefault: boolean
  /** Computed by the database, so it cannot be written. */
  readonly isGenerated: boolean
}

/** A table as the database describes it. */
export interface Table {
  /** Its whole name. For people. */
  readonly name: string
  /** Its quoted name. For SQL. */
  readonly sql: string
  readonly columns: readonly TableColumn[]
  /** Empty where there is none. */
  readonly primaryKey: readonly string[]
  /** The columns of each unique index, the primary key included, those with a condition or an expression aside. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** Whether a text may hold the character of code 0, and a number be NaN. */
  readonly takesNullCharacter: boolean
  readonly takesNaN: boolean
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
