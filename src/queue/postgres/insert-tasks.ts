import { InvalidTaskError } from '../../errors.ts'
import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'
import type { EnqueuedTask, TaskId } from '../queue.ts'
import type { Row, Statements } from './session.ts'
import { guaranteeName, IS_UNSETTLED, uniqueExpression } from './task-sql.ts'
import { columnNamed, decodeId, encode, quote } from './values.ts'

type Values = ReadonlyMap<string, unknown>

/** Rows of one statement. A statement takes 65,535 values at most. */
const CHUNK_ROWS = 500
const CHUNK_VALUES = 60_000

/** Whoever was in the way may just have ended; what is there after so many looks is another constraint. */
const LOOKS = 3

/**
 * Inserts rows and returns their ids. Where the table takes no second task of a kind while one is unsettled, that one is
 * returned. Several rows may take several statements.
 *
 * @throws InvalidTaskError when they are for later and the table has no `run_at`
 */
export async function insertTasks(
  statements: Statements,
  table: TaskTable,
  rows: Iterable<Readonly<Record<string, unknown>>>,
  runAt?: Date,
): Promise<EnqueuedTask[]> {
  if (runAt && !columnNamed(table, 'run_at'))
    throw new InvalidTaskError(table.name, ['tasks cannot be scheduled without a column "run_at"'])
  const filled = lifecycleValues(table, runAt)
  const added: EnqueuedTask[] = []
  let chunk: Values[] = []
  let unique: readonly UniqueColumn[] | undefined
  const flush = async () => {
    if (chunk.length > 1) unique ??= await uniqueColumns(statements, table)
    const isBulk = chunk.length > 1 && unique?.length === 0
    if (isBulk) added.push(...(await insertMany(statements, table, chunk)))
    else for (const values of chunk) added.push(await insertOne(statements, table, values))
    chunk = []
  }
  for (const row of rows) {
    chunk.push(new Map([...ownValues(table, row), ...filled]))
    if (chunk.length === CHUNK_ROWS || chunk.length * Object.keys(table.columns).length > CHUNK_VALUES) await flush()
  }
  await flush()
  return added
}

/** A conflict is no error, which would end the application's transaction, but a reason to look who is in the way. */
async function insertOne(statements: Statements, table: TaskTable, values: Values): Promise<EnqueuedTask> {
  const names = [...values.keys()]
  const bound = [...values.values()]
  const columns =
    names.length === 0
      ? 'default values'
      : `(${names.map(quote).join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`
  const insert = `insert into ${quote(table.name)} ${columns}`
  for (let look = 0; look < LOOKS; look += 1) {
    const [inserted] = await statements.query(`${insert} on conflict do nothing returning id`, bound)
    if (inserted) return { id: decodeId(table, inserted.id), isNew: true }
    const unique = await uniqueColumns(statements, table)
    const existing = unique.length > 0 ? await findAlike(statements, table, unique, values) : undefined
    if (existing !== undefined) return { id: existing, isNew: false }
  }
  // Says by its error which constraint it is.
  const [inserted] = await statements.query(`${insert} returning id`, bound)
  return { id: decodeId(table, inserted!.id), isNew: true }
}

/** The ids come in the order of the rows, since nothing else than the order of the values is in the plan. */
async function insertMany(statements: Statements, table: TaskTable, rows: readonly Values[]): Promise<EnqueuedTask[]> {
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))]
  // A statement with no column takes one row.
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

/** What the index says, and not the processor: the application that inserts may not know of it. */
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

/** The time of scheduled tasks, and what an existing table has no defaults for. */
function lifecycleValues(table: TaskTable, runAt: Date | undefined): [name: string, value: unknown][] {
  const now = new Date()
  const values: Record<string, (column: TaskColumn) => unknown> = {
    status: () => 'pending',
    created_at: (column) => instant(column, now),
    run_at: (column) => instant(column, runAt ?? now),
    attempt: () => 0,
  }
  return Object.values(table.columns).flatMap((column): [string, unknown][] => {
    const isNeeded = column.isLifecycle && (!column.hasDefault || (runAt && column.name === 'run_at'))
    const value = isNeeded ? values[column.name] : undefined
    return value ? [[column.name, value(column)]] : []
  })
}

/** An instant as this column takes it: in an existing table it may be a number or a text. */
function instant(column: TaskColumn, at: Date): unknown {
  if (!column.codec) return at
  return column.type === 'integer' ? at.getTime() : at.toISOString()
}
