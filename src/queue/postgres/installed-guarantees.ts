import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { TaskTable } from '../../task-table/task-table.ts'
import { literal, quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'
import type { Guarantee } from './task-sql.ts'

/** A guarantee in the database. */
export interface InstalledGuarantee {
  readonly kind: Guarantee['kind']
  readonly name: string
  /** The statement that drops it. */
  readonly drop: string
  /** Whether it was made from this text and has not been changed since. */
  isFrom(guarantee: Guarantee): boolean
}

/**
 * The database does not keep the text of a guarantee, so its comment has the hashes of the text and of the definition that
 * the database made of it. If either changes, with a new version or by hand, one of the two differs.
 */
const markOf = (table: string, { create }: Guarantee, definition: string) =>
  `ops:${table}:${hash(create.join(';'))}:${hash(definition)}`

/** The guarantees of a table, by name: only their names start with `ops_`. */
export async function installedGuarantees(
  session: Session,
  { name: table }: TaskTable,
  functions: readonly string[],
): Promise<Map<string, InstalledGuarantee>> {
  const rows = await session.query(FIND, [quote(table), functions, `ops:${table}:%`])
  // A definition is that of now, not of the query's snapshot: what another transaction has just dropped has none.
  const present = rows.filter(({ definition }) => definition !== null)
  return new Map(
    present.map(({ kind, name, drop, definition, mark }: Row) => [
      name,
      { kind, name, drop, isFrom: (guarantee) => mark === markOf(table, guarantee, definition) },
    ]),
  )
}

/** The triggers and indexes of ops in the database, by their oids, which are never given twice; and which of them are disabled. */
export async function schemaState(session: Session): Promise<string> {
  const [row] = await session.query(
    `select md5(string_agg(one, ',' order by one)) as state from (
       select t.oid || t.tgenabled::text as one from pg_trigger t where t.tgname like 'ops\\_%' and not t.tgisinternal
       union all
       select c.oid::text from pg_class c where c.relkind = 'i' and c.relname like 'ops\\_%'
     ) s`,
  )
  return row!.state
}

/** Marks guarantees as made from their text, as they are now. */
export async function markGuarantees(
  session: Session,
  { name: table }: TaskTable,
  made: readonly Guarantee[],
): Promise<void> {
  const rows = await session.query(FIND, [quote(table), made.map(({ name }) => name), `ops:${table}:%`])
  for (const { kind, name, subject, definition } of rows) {
    const guarantee = made.find((each) => each.name === name && each.kind === kind)
    if (guarantee) await session.query(`comment on ${subject} is ${literal(markOf(table, guarantee, definition))}`)
  }
}

const FIND = `select 'index' as kind, c.relname::text as name, pg_get_indexdef(c.oid) as definition,
  obj_description(c.oid, 'pg_class') as mark, format('index %s', c.oid::regclass) as subject,
  format('drop index %s', c.oid::regclass) as drop
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = to_regclass($1) and c.relname like 'ops\\_%'
union all
select 'trigger', t.tgname, pg_get_triggerdef(t.oid) || t.tgenabled::text || pg_get_functiondef(t.tgfoid),
  obj_description(t.oid, 'pg_trigger'), format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
  format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass)
from pg_trigger t
where t.tgrelid = to_regclass($1) and not t.tgisinternal and t.tgname like 'ops\\_%'
union all
select 'function', p.proname, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'),
  format('function %s', p.oid::regprocedure), format('drop function %s', p.oid::regprocedure)
from pg_proc p
where p.pronamespace = current_schema()::regnamespace and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
  and (p.proname = any ($2) or obj_description(p.oid, 'pg_proc') like $3)`

/** Internal errors of the server: it has found something in the catalog that another transaction has dropped since. */
const INTERNAL = 'XX000'
const MOST_TRIES = 5

/** Repeats what reads definitions from the catalog, while another transaction drops what they are about. */
export async function againIfDropped<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read()
    } catch (error) {
      if ((error as { code?: string }).code !== INTERNAL || tries === MOST_TRIES) throw error
      await delay(tries * 20)
    }
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
