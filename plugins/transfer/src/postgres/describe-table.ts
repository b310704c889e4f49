import type pg from 'pg'
import { type Kind, missingTable, notImportable, quote, type Table, type TableColumn } from '../table.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  float4: 'number',
  float8: 'number',
  numeric: 'decimal',
  bool: 'boolean',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  date: 'date',
  json: 'json',
  jsonb: 'json',
  bytea: 'binary',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
}

const TABLES = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, pg_table_is_visible(c.oid) as visible
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`

const COLUMNS = `
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, format_type(a.atttypid, -1) as cast_to,
    b.typname as base, a.attnotnull as is_not_null, a.atthasdef or a.attidentity <> '' as has_default,
    a.attgenerated <> '' as is_generated
  from pg_attribute a join pg_type t on t.oid = a.atttypid
    join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`

const KEYS = `
  select i.indisprimary as is_primary,
    array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k (attnum, place)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place) as columns
  from pg_index i where i.indrelid = $1 and i.indisunique and i.indpred is null and i.indexprs is null`

/** @throws TaskError when there is no such table, or it cannot be used this way */
export async function describeTable(pool: pg.Pool, name: string, use: 'import' | 'export'): Promise<Table> {
  const { rows: listed } = await pool.query(TABLES)
  const called = (table: { schema: string; name: string; visible: boolean }) =>
    table.visible ? table.name : `${table.schema}.${table.name}`
  const found =
    listed.find((table) => called(table) === name) ?? listed.find((table) => `${table.schema}.${table.name}` === name)
  if (!found) {
    const known = listed.map(called).filter((table) => !table.startsWith('ops_'))
    throw missingTable(name, known)
  }
  if (use === 'import' && found.name.startsWith('ops_')) throw notImportable(name, 'it belongs to ops')
  if (use === 'import' && !['r', 'p'].includes(found.kind)) throw notImportable(name, 'it is not a table')
  const { rows: columns } = await pool.query(COLUMNS, [found.oid])
  const { rows: keys } = await pool.query(KEYS, [found.oid])
  return {
    name: called(found),
    sql: `${quote(found.schema)}.${quote(found.name)}`,
    columns: columns.map(
      (column): TableColumn => ({
        name: column.name,
        type: column.type,
        kind: KINDS[column.base] ?? 'any',
        castTo: column.cast_to,
        bits: column.base === 'int2' ? 16 : column.base === 'int4' ? 32 : 64,
        isNotNull: column.is_not_null,
        hasDefault: column.has_default,
        isGenerated: column.is_generated,
      }),
    ),
    primaryKey: keys.find((key) => key.is_primary)?.columns ?? [],
    uniqueKeys: keys.map((key) => key.columns),
    takesNullCharacter: false,
    takesNaN: true,
  }
}
