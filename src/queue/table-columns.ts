import type { ColumnType } from '../task-table/task-table.ts'
import type { Queue } from './queue.ts'

/** A column as a database knows it. */
export interface DatabaseColumn {
  readonly name: string
  readonly type: Exclude<ColumnType, 'enumeration' | 'reference'>
  readonly isNotNull: boolean
  readonly hasDefault: boolean
  /** The table whose ids it holds. */
  readonly references: string | undefined
}

interface Row {
  readonly name: string
  readonly type: string
  readonly required: boolean | number
  readonly defaulted: boolean | number
  readonly target: string | null
}

/** The columns of any table in their order, or undefined when there is no such table, or no database yet. */
export async function tableColumns(queue: Queue, table: string): Promise<DatabaseColumn[] | undefined> {
  if (!(await queue.exists())) return undefined
  const rows = await columnRows(queue, `'${table.replaceAll("'", "''")}'`)
  if (rows.length === 0) return undefined
  return rows.map(({ name, type, required, defaulted, target }) => ({
    name,
    type: columnType(type),
    isNotNull: Boolean(required),
    hasDefault: Boolean(defaulted),
    references: target ?? undefined,
  }))
}

/** Through Drizzle, whose method for a plain statement tells the database. */
async function columnRows(queue: Queue, table: string): Promise<Row[]> {
  const database = queue.drizzle() as {
    all?(sql: string): Row[]
    execute?(sql: string): Promise<{ rows: Row[] }>
  }
  return database.all ? database.all(ofSqlite(table)) : (await database.execute!(ofPostgres(table))).rows
}

function ofSqlite(table: string): string {
  return `select c.name, c.type, c."notnull" as required, c.dflt_value is not null as defaulted, f."table" as target
    from pragma_table_info(${table}) c left join pragma_foreign_key_list(${table}) f on f."from" = c.name
    order by c.cid`
}

/** `to_regclass` finds it as an unqualified name is found: along the search path. */
function ofPostgres(table: string): string {
  return `select a.attname as name, format_type(a.atttypid, null) as type, a.attnotnull as required,
      (a.atthasdef or a.attidentity <> '') as defaulted, f.target
    from pg_attribute a left join lateral (
      select c.confrelid::regclass::text as target from pg_constraint c
      where c.conrelid = a.attrelid and c.contype = 'f' and c.conkey = array[a.attnum] limit 1
    ) f on true
    where a.attrelid = to_regclass(quote_ident(${table})) and a.attnum > 0 and not a.attisdropped
    order by a.attnum`
}

function columnType(type: string): DatabaseColumn['type'] {
  const name = type.toLowerCase()
  if (/^(int|bigint|smallint|serial|bigserial)/.test(name) || name === 'integer') return 'integer'
  if (/real|double|float|numeric|decimal/.test(name)) return 'real'
  if (/^bool/.test(name)) return 'boolean'
  if (/^json/.test(name)) return 'json'
  if (/^timestamp/.test(name)) return 'timestamp'
  return 'text'
}
