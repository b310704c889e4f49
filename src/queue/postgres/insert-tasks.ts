import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { lifecycleValues } from '../lifecycle-values.ts'
import type { EnqueuedTask, TaskId } from '../queued-table.ts'
import { IS_UNSETTLED, quote } from '../sql-fragments.ts'
import type { Row, Statements } from './statements.ts'
import { guaranteeName, uniqueExpression } from './task-sql.ts'
import { decodeId, encode, instant, instantExpression, nowFor, toInstant } from './values.ts'

type Values = ReadonlyMap<string, unknown>

/** Rows and values of one statement, which takes at most 65,535 values. */
const CHUNK_ROWS = 500
const CHUNK_VALUES = 60_000

/** The task in conflict may have just settled. If the conflict persists, it is another constraint. */
const CONFLICT_RETRIES = 3

/**
 * Inserts tasks. If the table is `unique` and an unsettled task has the same values, that one is returned instead, and is due
 * now if the new one would be. Many rows take several statements.
 *
 * @throws InvalidTaskError if they are scheduled and the table has no `run_at`
 */
export async function insertTasks(
  statements: Statements,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): Promise<EnqueuedTask[]> {
  const filled = lifecycleValues(table, runAt, instant)
  const isDue = !runAt || runAt.getTime() <= Date.now()
  const added: EnqueuedTask[] = []
  let chunk: Values[] = []
  let unique: readonly UniqueColumn[] | undefined
  const flush = async () => {
    if (chunk.length > 1) unique ??= await uniqueColumns(statements, table)
    const isBulk = chunk.length > 1 && unique?.length === 0
    if (isBulk) added.push(...(await insertMany(statements, table, chunk)))
    else for (const values of chunk) added.push(await insertOne(statements, table, values, isDue))
    chunk = []
  }
  for (const row of rows) {
    chunk.push(new Map([...ownValues(table, row), ...filled]))
    if (chunk.length === CHUNK_ROWS || chunk.length * Object.keys(table.columns).length > CHUNK_VALUES) await flush()
  }
  await flush()
  return added
}

/** With `on conflict do nothing`, because an error would abort the application's transaction. */
async function insertOne(
  statements: Statements,
  table: TaskTable,
  values: Values,
  isDue: boolean,
): Promise<EnqueuedTask> {
  const names = [...values.keys()]
  const bound = [...values.values()]
  const columns =
    names.length === 0
      ? 'default values'
      : `(${names.map(quote).join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`
  const insert = `insert into ${quote(table.name)} ${columns}`
  for (let look = 0; look < CONFLICT_RETRIES; look += 1) {
    const [inserted] = await statements.query(`${insert} on conflict do nothing returning id`, bound)
    if (inserted) return { id: decodeId(table, inserted.id), isNew: true }
    const unique = await uniqueColumns(statements, table)
    const existing = unique.length > 0 ? await findAlike(statements, table, unique, values) : undefined
    if (existing !== undefined) {
      const scheduledFor = isDue ? await makeDueNow(statements, table, existing) : undefined
      return { id: existing, isNew: false, ...(scheduledFor && { scheduledFor }) }
    }
  }
  // The error names the constraint.
  const [inserted] = await statements.query(`${insert} returning id`, bound)
  return { id: decodeId(table, inserted!.id), isNew: true }
}

/** Makes a task due that is scheduled for later, unless it waits between two attempts; returns when it would have been due. */
async function makeDueNow(statements: Statements, table: TaskTable, id: TaskId): Promise<Date | undefined> {
  const runAt = columnNamed(table, 'run_at')
  if (!runAt) return undefined
  const { now, bound } = nowFor(runAt, '$2')
  const isUntried = columnNamed(table, 'attempt') ? ' and coalesce(attempt, 0) = 0' : ''
  const rows = await statements.query(
    `with old as (
  select id, run_at from ${quote(table.name)}
  where id = $1 and status = 'pending' and run_at > ${now}${isUntried} for no key update
)
update ${quote(table.name)} t set run_at = ${now} from old where t.id = old.id returning ${instantExpression(runAt, 'old.run_at')} as was`,
    [id, ...bound],
  )
  return rows[0] && toInstant(runAt, rows[0].was)
}

/** The ids are returned in the order of the rows: the plan has no other order. */
async function insertMany(statements: Statements, table: TaskTable, rows: readonly Values[]): Promise<EnqueuedTask[]> {
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  // Without a column, a statement inserts only one row.
  if (names.length === 0) names.push('status')
  const bound: unknown[] = []
  const tuples = rows.map((row) => {
    const places = names.map((name) => (row.has(name) ? `$${bound.push(row.get(name))}` : 'default'))
    return `(${places.join(', ')})`
  })
  const text = `insert into ${quote(table.name)} (${names.map(quote).join(', ')}) values ${tuples.join(', ')} returning id`
  const inserted = await statements.query(text, bound)
  return inserted.map(({ id }) => ({ id: decodeId(table, id), isNew: true }))
}

interface UniqueColumn {
  readonly name: string
  readonly type: string
}

/** Read from the index and not from the processor, which an application that inserts does not have. */
async function uniqueColumns(statements: Statements, table: TaskTable): Promise<UniqueColumn[]> {
  const rows = await statements.query(
    `select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type
     from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.classid = 'pg_class'::regclass and d.objid = to_regclass($1) and d.refobjid = to_regclass($2)
       and a.attname <> 'status'`,
    [quote(guaranteeName(table, 'unique')), quote(table.name)],
  )
  return rows as UniqueColumn[]
}

async function findAlike(
  statements: Statements,
  table: TaskTable,
  unique: readonly UniqueColumn[],
  values: Values,
): Promise<TaskId | undefined> {
  const isAlike = unique.map(({ name, type }, index) => {
    const given = uniqueExpression(table, name).replace(quote(name), () => `$${index + 1}::${type}`)
    return `${uniqueExpression(table, name)} = ${given}`
  })
  const bound = unique.map(({ name }) => (values.has(name) ? values.get(name) : defaultOf(table, name)))
  const where = [IS_UNSETTLED, ...isAlike].join(' and ')
  const rows: Row[] = await statements.query(`select id from ${quote(table.name)} where ${where}`, bound)
  return rows[0] && decodeId(table, rows[0].id)
}

function defaultOf(table: TaskTable, name: string): unknown {
  const column = columnNamed(table, name)!
  return column.hasDefault ? encode(column, column.defaultValue) : null
}

function ownValues(table: TaskTable, row: Readonly<Record<string, unknown>>): [name: string, value: unknown][] {
  return Object.keys(row)
    .filter((key) => row[key] !== undefined)
    .map((key) => [table.columns[key]!.name, encode(table.columns[key]!, row[key])])
}
