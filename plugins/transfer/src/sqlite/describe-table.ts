import type Database from 'better-sqlite3'
import { type Kind, missingTable, notImportable, quote, type Table, type TableColumn } from '../table.ts'

interface Listed {
  readonly name: string
  readonly type: 'table' | 'view' | 'shadow' | 'virtual'
  readonly wr: number
}

interface ColumnInfo {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  /** Its position in the primary key, from 1. */
  readonly pk: number
  /** 0 for ordinary columns, 1 for hidden ones of virtual tables, 2 and 3 for generated ones. */
  readonly hidden: number
}

/** @throws TaskError when there is no such table, or it cannot be used this way */
export function describeTable(database: Database.Database, name: string, use: 'import' | 'export'): Table {
  const listed = database
    .prepare(`select name, type, wr from pragma_table_list where schema = 'main'`)
    .all() as Listed[]
  const found =
    listed.find((table) => table.name === name) ??
    listed.find((table) => table.name.toLowerCase() === name.toLowerCase())
  const isOwn = (table: string) => /^(ops|sqlite)_/i.test(table)
  if (!found) {
    const known = listed.map((table) => table.name).filter((table) => !isOwn(table))
    throw missingTable(name, known)
  }
  if (use === 'import' && isOwn(found.name)) throw notImportable(found.name, 'it belongs to ops')
  if (use === 'import' && found.type !== 'table')
    throw notImportable(found.name, `it is a ${found.type}${found.type === 'view' ? '' : ' table'}`)
  const info = database
    .prepare('select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(?)')
    .all(found.name) as ColumnInfo[]
  const shown = info.filter(({ hidden }) => hidden !== 1)
  const primaryKey = shown.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  const isRowId = (column: ColumnInfo) =>
    primaryKey.length === 1 && column.pk === 1 && /^integer$/i.test(column.type) && found.wr === 0
  const columns = shown.map(
    (column): TableColumn => ({
      name: column.name,
      type: column.type || 'any',
      kind: kindOf(column.name, column.type),
      bits: 64,
      isNotNull: column.notnull === 1 && !isRowId(column),
      hasDefault: column.dflt_value !== null || isRowId(column),
      isGenerated: column.hidden >= 2,
    }),
  )
  const key = primaryKey.map((column) => column.name)
  return {
    name: found.name,
    sql: `main.${quote(found.name)}`,
    columns,
    primaryKey: key,
    uniqueKeys: [...(key.length > 0 ? [key] : []), ...uniqueKeys(database, found.name)],
    takesNullCharacter: true,
    // SQLite stores it as null.
    takesNaN: false,
  }
}

/** SQLite's own rules (sqlite.org/datatype3.html, 3.1), and common types that they do not cover. */
function kindOf(name: string, type: string): Kind {
  if (/bool/i.test(type)) return 'boolean'
  if (/int/i.test(type)) return /(_at|[a-z]At)$/.test(name) ? 'instant' : 'integer'
  if (/json/i.test(type)) return 'json'
  if (/char|clob|text/i.test(type)) return 'text'
  if (/blob/i.test(type)) return 'binary'
  if (/real|floa|doub/i.test(type)) return 'number'
  if (/time/i.test(type)) return 'timestamp'
  if (/^date$/i.test(type)) return 'date'
  if (/num|dec/i.test(type)) return 'decimal'
  return 'any'
}

function uniqueKeys(database: Database.Database, table: string): string[][] {
  const names = database
    .prepare('select name from pragma_index_list(?) where "unique" = 1 and partial = 0')
    .pluck()
    .all(table) as string[]
  return names
    .map(
      (name) =>
        database.prepare('select name from pragma_index_info(?) order by seqno').pluck().all(name) as (string | null)[],
    )
    .filter((columns): columns is string[] => columns.every((column) => column !== null))
}
