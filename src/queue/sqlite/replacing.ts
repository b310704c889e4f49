import type { QueuedTable } from '../queued-table.ts'
import { IS_UNSETTLED, literal, quote, refusals } from '../sql-fragments.ts'
import type { SqliteDatabase } from './open-database.ts'
import { ID, uniqueExpression } from './task-sql.ts'

/** By what a REPLACE deletes rows of a table other than the one that it writes: its unique indexes. */
export interface Replacing {
  /** The columns whose change may delete a row. */
  readonly columns: readonly string[]
  /** Conditions for a row `t` that the row `new` would delete, one for each index. */
  readonly conflicts: readonly string[]
}

interface IndexRow {
  readonly name: string
  readonly partial: number
  readonly sql: string | null
  readonly columns: string
}

interface Key {
  /** Null for an expression. */
  readonly name: string | null
  readonly collation: string
}

/** The application's unique indexes and constraints. */
export function replacingIndexes(database: SqliteDatabase, { table }: QueuedTable): Replacing {
  // Also those of which the description of an existing table does not know.
  const all = database.prepare('select name from pragma_table_xinfo(?)').pluck().all(table.name) as string[]
  const indexes = database
    .prepare(
      `select l.name, l.partial, s.sql, json_group_array(json_object('name', i.name, 'collation', i.coll)) as columns
       from pragma_index_list(?) l join pragma_index_xinfo(l.name) i left join sqlite_master s on s.name = l.name
       where l."unique" and i.key and l.name not glob 'ops_*' group by l.name order by l.name`,
    )
    .all(table.name) as IndexRow[]
  const columns = new Set<string>()
  const conflicts: string[] = []
  for (const index of indexes) {
    const keys = JSON.parse(index.columns) as Key[]
    const names = keys.map(({ name }) => name)
    if (names.length === 1 && names[0] === 'id') continue
    const isPlain = !index.partial && names.every((name) => name !== null)
    for (const name of isPlain ? (names as string[]) : all) columns.add(name)
    conflicts.push(isPlain ? equal(keys) : equalBy(index.sql!, all))
  }
  return { columns: [...columns].sort(), conflicts }
}

function equal(keys: readonly Key[]): string {
  return keys
    .map(({ name, collation }) => `t.${quote(name!)} collate ${quote(collation)} = new.${quote(name!)}`)
    .join(' and ')
}

/** For an index with expressions or a condition: its own text, evaluated for both rows. */
function equalBy(sql: string, columns: readonly string[]): string {
  const [terms, rest] = indexedTerms(sql)
  const values = columns.map((column) => `new.${quote(column)} as ${quote(column)}`).join(', ')
  const ofNew = (term: string) => `(select ${term} from (select ${values}))`
  const where = /^\s*where\b(.*)$/is.exec(rest)?.[1]
  const isIndexed = where === undefined ? [] : [`(${where})`, ofNew(`(${where})`)]
  return [...terms.map((term) => `(${term}) = ${ofNew(term)}`), ...isIndexed].join(' and ')
}

const isText = (token: string) => !/^(--|\/\*)/.test(token)

/** What is indexed, and the text behind it: `create unique index … on … (a, lower(b) desc) where c`. */
function indexedTerms(sql: string): [terms: string[], rest: string] {
  const tokens = sql.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[\s\S]/g) ?? []
  const terms = ['']
  let depth = 0
  let at = 0
  for (; at < tokens.length; at += 1) {
    const token = tokens[at]!
    if (token === ')') depth -= 1
    if (token === ')' && depth === 0) break
    if (token === ',' && depth === 1) terms.push('')
    else if (depth > 0 && isText(token)) terms[terms.length - 1] += token
    if (token === '(') depth += 1
  }
  const trimmed = terms.map((term) => term.trim().replace(/\s+(asc|desc)$/i, ''))
  return [
    trimmed,
    tokens
      .slice(at + 1)
      .filter(isText)
      .join(''),
  ]
}

type Trigger = [suffix: string, when: string, body: string[]]

/**
 * REPLACE deletes the rows that have the same values in a unique index, and fires no trigger for them: so they are noted before
 * the row is written, and those that are gone after it are recorded. Not refused before: then, REPLACE looks like INSERT
 * OR IGNORE. Of the tasks that are not at rest, each open run of the table must still have its own afterwards: they are few.
 */
export function replacements({ table, processor, unique }: QueuedTable, { columns, conflicts }: Replacing): Trigger[] {
  const name = literal(table.name)
  const on = quote(table.name)
  const ofUnique = unique.map(
    (column) =>
      `${uniqueExpression(column)} = (select ${uniqueExpression(column)} from (select new.${quote(column)} as ${quote(column)}))`,
  )
  const all = ['t.id = new.id', ...conflicts, ...(unique.length > 0 ? [[IS_UNSETTLED, ...ofUnique].join(' and ')] : [])]
  const rests = (conflict: string, row: string) => `from ${on} t where ${conflict} and t.status is not 'ongoing'${row}`
  const isNoted = `exists (select 1 from ops_replacing where task_table = ${name})`
  const isReplacing = (row: string) =>
    [...all.map((one) => `exists (select 1 ${rests(one, row)})`), isNoted].join('\n  or ')
  const note = (row: string) => [
    `delete from ops_replacing where task_table = ${name}`,
    `insert into ops_replacing (task_table, task_id, status) ${all
      .map((one) => `select ${name}, t.id, t.status ${rests(one, row)}`)
      .join(' union ')}`,
  ]
  const watched = [...new Set(['id', ...columns, ...unique])]
  // The index of `unique` has the unsettled tasks only.
  const changes = [
    ...watched.map((column) => `new.${quote(column)} is not old.${quote(column)}`),
    ...(unique.length > 0 ? [`old.status <> 'ongoing' and new.status = 'pending'`] : []),
  ].join(' or ')
  const others = [...watched.slice(1), ...(unique.length > 0 ? ['status'] : [])]
  const of = [ID, ...new Set(others.map(quote))].join(', ')
  const isGone = `from ops_open o where o.scope = ${name} and not exists (select 1 from ${on} t where t.id = o.what)`
  const refused = literal(refusals(processor).replace)
  const refuse = (from: string) => `select json_extract('{}', printf(${refused}, o.what, o.what)) ${from}`
  const isOther = ' and t.id is not old.id'
  // The change of its own id is refused elsewhere.
  const isOtherGone = `${isGone} and o.what is not +old.id`
  return [
    ['insert_replaces', `BEFORE INSERT ON ${on} WHEN ${isReplacing('')}`, note('')],
    [
      'update_replaces',
      `BEFORE UPDATE OF ${of} ON ${on} WHEN (${changes}) and (${isReplacing(isOther)})`,
      note(isOther),
    ],
    [
      'update_replaced',
      `AFTER UPDATE OF ${of} ON ${on} WHEN (${changes}) and (${isNoted} or exists (select 1 ${isOtherGone}))`,
      [refuse(isOtherGone), judge({ table, processor })],
    ],
    ...(watched.length > 1
      ? [
          [
            'insert_replaces_none',
            `AFTER INSERT ON ${on} WHEN exists (select 1 ${isGone})`,
            [refuse(isGone)],
          ] as Trigger,
        ]
      : []),
  ]
}

/** Records which of the noted tasks are gone. */
export function judge({ table, processor }: Pick<QueuedTable, 'table' | 'processor'>): string {
  const on = quote(table.name)
  return `insert into ops_replaced (task_table, task_id, status, is_recorded, new_id, final_refused)
  select r.task_table, r.task_id, r.status, r.is_recorded, new.id, ${literal(refusals(processor).replaceFinal)}
  from ops_replacing r where r.task_table = ${literal(table.name)}
    and (r.task_id = +new.id or not exists (select 1 from ${on} t where t.id = r.task_id))`
}
