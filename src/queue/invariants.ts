import { formatCount } from '../format.ts'
import { statuses } from '../task/lifecycle.ts'
import type { TaskId } from './queued-table.ts'
import { KEY_SCOPE, literal, quote } from './sql-fragments.ts'

/** One contradiction between the tasks, the open runs and the audit. */
export interface Violation {
  readonly code: keyof typeof SENTENCES
  readonly table: string | undefined
  readonly taskId: TaskId | undefined
  readonly runId: number | undefined
  /** The status of the task, where it has a part in it. */
  readonly status: string | undefined
  /** The key, the status by the audit, or a number of tasks. */
  readonly value: string | undefined
  /** Whose run it is, where no claim says that it is open. */
  readonly workerId: string | undefined
}

export interface Invariants {
  /**
   * What contradicts itself in the task tables of these names, the open runs and the audit.
   *
   * @param history whether to read every task and every run too
   */
  find(tables: readonly string[], options: { history: boolean }): Promise<Violation[]>
  /** Makes a violation good that is none of a task, and records it: a claim that nobody has, a status without an audit. */
  repair(violation: Violation, actor: string): Promise<void>
  /** Gives a run that has not ended its task and its key back (`RUN_WITHOUT_ROW`), unless another run has them. */
  restore(violation: Violation, actor: string): Promise<void>
}

/** What a database does its own way in these queries. */
export interface InvariantSql {
  /** The id of a row of a task table, as `ops_runs` and `ops_audit` have it. */
  id(row: string): string
  /** Whether a row `o` of `ops_open` has the task of a row of its table; found by the index of `ops_open`. */
  isTask(row: string): string
  /** The same, found by the id of the row. */
  isOpenTask(row: string, table: string): string
  /** The id of a task, by a row of `ops_runs` or `ops_audit`. */
  taskId(row: string): string
  /** Whether two values differ, where two nulls are the same. */
  differ(left: string, right: string): string
}

export interface InvariantQuery {
  readonly code: Violation['code']
  /** Selects a `ViolationRow` for each violation. */
  readonly sql: string
}

export interface ViolationRow {
  readonly task_table: string | null
  readonly task_id: TaskId | null
  readonly run_id: number | null
  readonly status: string | null
  readonly value: string | null
  readonly worker_id: string | null
}

export function violationOf(code: Violation['code'], row: ViolationRow): Violation {
  const { task_table, task_id, run_id, status, value, worker_id } = row
  const known = { table: task_table ?? undefined, taskId: task_id ?? undefined, runId: run_id ?? undefined }
  return { code, ...known, status: status ?? undefined, value: value ?? undefined, workerId: worker_id ?? undefined }
}

/** More of one kind say no more. */
const MOST_SHOWN = 20

const SENTENCES = {
  TASK_WITHOUT_RUN: ({ table, taskId }: Violation) => `${table} ${taskId} is ongoing, but no run of it is open`,
  RUN_WITHOUT_TASK: ({ table, taskId, runId, status }: Violation) =>
    `run ${runId} is open, but ${table} ${taskId} ${status === undefined ? 'does not exist' : `is ${status}`}`,
  RUN_NOT_OPEN: ({ runId }: Violation) => `run ${runId} has a row in ops_open, but it has ended or does not exist`,
  KEY_WITHOUT_RUN: ({ value, runId }: Violation) => `the key ${value} is held by run ${runId}, which is not open`,
  RUN_WITHOUT_KEY: ({ table, taskId, runId, value }: Violation) =>
    `run ${runId} of ${table} ${taskId} is open, but it does not hold its key ${value}`,
  RUN_WITHOUT_ROW: ({ table, taskId, runId }: Violation) =>
    `run ${runId} of ${table} ${taskId} has not ended, but it has no row in ops_open`,
  STATUS_UNEXPLAINED: ({ table, taskId, status, value }: Violation) =>
    `${table} ${taskId} is ${status}, but ${value} by the audit`,
  TASK_WITHOUT_AUDIT: ({ table, taskId, value }: Violation) =>
    `the audit does not explain the status of ${formatCount(Number(value), 'task')} of ${table}, ${taskId} among them`,
  STATUS_UNKNOWN: ({ table, taskId, status }: Violation) =>
    `${table} ${taskId} has ${status === undefined ? 'no status' : `the status "${status}"`}, which is none of ${statuses.join(', ')}`,
} as const

export function describeViolation(violation: Violation): string {
  return SENTENCES[violation.code](violation)
}

/**
 * What must hold in every committed state, as queries that find what contradicts it. They cost as much as there are open
 * runs and ongoing tasks; with `history`, they read every task and every run too.
 */
export function invariantQueries(
  tables: readonly string[],
  { id, isTask, isOpenTask, taskId, differ }: InvariantSql,
  history: boolean,
): InvariantQuery[] {
  const query = (
    code: Violation['code'],
    columns: Partial<Record<keyof ViolationRow, string>>,
    from: string,
  ): InvariantQuery => {
    const all = {
      task_table: 'null',
      task_id: 'null',
      run_id: 'null',
      status: 'null',
      value: 'null',
      worker_id: 'null',
      ...columns,
    }
    const selected = Object.entries(all).map(([name, expression]) => `${expression} as ${name}`)
    return { code, sql: `select ${selected.join(', ')} from ${from} limit ${MOST_SHOWN}` }
  }
  const isOpen = `exists (select 1 from ops_open x where x.scope = r.task_table and x.what = ${taskId('r')} and x.run_id = r.id)`
  const ofTables = tables.flatMap((table) => {
    const named = { task_table: literal(table) }
    return [
      query(
        'TASK_WITHOUT_RUN',
        { ...named, task_id: 't.id' },
        `${quote(table)} t where t.status = 'ongoing'
and not exists (select 1 from ops_open o where o.scope = ${literal(table)} and ${isTask('t')})`,
      ),
      query(
        'RUN_WITHOUT_TASK',
        { ...named, task_id: 'o.what', run_id: 'o.run_id', status: 't.status' },
        `ops_open o left join ${quote(table)} t on ${isOpenTask('t', table)}
where o.scope = ${literal(table)} and ${differ('t.status', `'ongoing'`)}`,
      ),
    ]
  })
  const ofRuns = [
    query(
      'RUN_NOT_OPEN',
      { task_table: 'r.task_table', task_id: 'o.what', run_id: 'o.run_id' },
      `ops_open o left join ops_runs r on r.id = o.run_id
where o.scope <> ${literal(KEY_SCOPE)} and (r.id is null or r.ended_at is not null)`,
    ),
    query(
      'KEY_WITHOUT_RUN',
      { run_id: 'o.run_id', value: 'o.what' },
      `ops_open o where o.scope = ${literal(KEY_SCOPE)} and not exists (
  select 1 from ops_runs r where r.id = o.run_id and r.exclusive_key = o.what and r.ended_at is null and ${isOpen}
)`,
    ),
    query(
      'RUN_WITHOUT_KEY',
      { task_table: 'r.task_table', task_id: 'o.what', run_id: 'r.id', value: 'r.exclusive_key' },
      `ops_open o join ops_runs r on r.id = o.run_id
where o.scope <> ${literal(KEY_SCOPE)} and r.ended_at is null and r.exclusive_key is not null and not exists (
  select 1 from ops_open k where k.scope = ${literal(KEY_SCOPE)} and k.what = r.exclusive_key and k.run_id = r.id
)`,
    ),
  ]
  if (!history) return [...ofTables, ...ofRuns]
  /** The latest status of each task by the audit, read in one pass. */
  const audited = (table: string) => `(
  select task, status from (
    select ${taskId('a')} as task, a.to_status as status, row_number() over (partition by ${taskId('a')} order by a.id desc) as place
    from ops_audit a where a.task_table = ${literal(table)} and a.to_status is not null
  ) placed where place = 1
)`
  const known = statuses.map(literal).join(', ')
  return [
    // First, since its repair may explain the others.
    query(
      'RUN_WITHOUT_ROW',
      { task_table: 'r.task_table', task_id: taskId('r'), run_id: 'r.id', worker_id: 'r.worker_id' },
      `ops_runs r where r.ended_at is null and not ${isOpen}`,
    ),
    ...ofTables,
    ...ofRuns,
    ...tables.flatMap((table) => [
      query(
        'STATUS_UNKNOWN',
        { task_table: literal(table), task_id: 't.id', status: 't.status' },
        `${quote(table)} t where t.status is null or t.status not in (${known})`,
      ),
      query(
        'STATUS_UNEXPLAINED',
        { task_table: literal(table), task_id: 't.id', status: 't.status', value: 'a.status' },
        `${audited(table)} a join ${quote(table)} t on ${id('t')} = a.task where ${differ('a.status', 't.status')}
and not exists (select 1 from ops_open o where o.scope = ${literal(table)} and ${isTask('t')})`,
      ),
      query(
        'TASK_WITHOUT_AUDIT',
        { task_table: literal(table), task_id: `min(${id('t')})`, value: 'count(*)' },
        `${quote(table)} t left join ${audited(table)} a on a.task = ${id('t')} where a.task is null having count(*) > 0`,
      ),
    ]),
  ]
}
