import { type Status, transitions } from '../../src/task/lifecycle.ts'

/** Runs a statement on either database, past ops. */
export type Sql = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>

interface AuditRow {
  readonly task: string
  readonly run: number | undefined
  readonly event: string
  readonly from: Status | null
  readonly to: Status | null
}

interface RunRow {
  readonly id: number
  readonly task: string
  readonly outcome: string | null
  readonly isOpen: boolean
}

/**
 * Checks what must hold in a database at any moment, whatever was killed when. Returns a sentence for each violation.
 *
 * @param isWholeHistory whether triggers have seen every change, so that the audit tells of each
 */
export async function violations(
  sql: Sql,
  tables: readonly string[],
  { isWholeHistory = true } = {},
): Promise<string[]> {
  const audit = await readAudit(sql)
  const runs = await readRuns(sql)
  const tasks = new Map<string, { status: Status; attempt: number }>()
  for (const table of tables) {
    for (const { id, status, attempt } of await sql(`select id, status, attempt from ${table}`)) {
      tasks.set(`${table} ${id}`, { status: status as Status, attempt: Number(attempt) })
    }
  }
  const problems = [...(await sharedKeys(sql)), ...reusedRuns(audit, runs)]
  const audited = Map.groupBy(audit, ({ task }) => task)
  const attempts = Map.groupBy(runs, ({ task }) => task)
  for (const [task, { status, attempt }] of tasks) {
    const own = { audit: audited.get(task) ?? [], runs: attempts.get(task) ?? [] }
    problems.push(
      ...wrongRuns(task, status, own.runs),
      ...(isWholeHistory
        ? [
            ...wrongReplay(task, status, own.audit),
            ...wrongSuccess(task, status, own.runs),
            ...wrongAttempt(task, attempt, own),
          ]
        : []),
    )
  }
  for (const { task, id } of runs)
    if (!tasks.has(task)) problems.push(`run ${id} belongs to ${task}, which does not exist`)
  return problems
}

async function sharedKeys(sql: Sql): Promise<string[]> {
  const open = await sql(
    `select exclusive_key as held, count(*) as holders from ops_runs
     where ended_at is null and exclusive_key is not null group by exclusive_key having count(*) > 1`,
  )
  const overlapping = await sql(
    `select a.id as a, b.id as b, a.exclusive_key as held from ops_runs a join ops_runs b
     on b.exclusive_key = a.exclusive_key and b.id > a.id
     and b.started_at < a.ended_at and a.started_at < b.ended_at`,
  )
  return [
    ...open.map(({ held, holders }) => `${held} is held by ${holders} open runs`),
    ...overlapping.map(({ a, b, held }) => `runs ${a} and ${b} held ${held} at the same time`),
  ]
}

/** A run starts once, and the ids of a task's runs grow: they are the fence. */
function reusedRuns(audit: readonly AuditRow[], runs: readonly RunRow[]): string[] {
  const problems: string[] = []
  const started = new Map<number, number>()
  const latest = new Map<string, number>()
  for (const { task, run, event } of audit) {
    if (event !== 'started') continue
    if (run === undefined) {
      problems.push(`${task} was started without a run`)
      continue
    }
    started.set(run, (started.get(run) ?? 0) + 1)
    const before = latest.get(task)
    if (before !== undefined && run <= before) problems.push(`${task} had run ${run} after run ${before}`)
    latest.set(task, run)
  }
  for (const { id, task } of runs) {
    const times = started.get(id) ?? 0
    if (times !== 1) problems.push(`run ${id} of ${task} has ${times} starts in the audit`)
    started.delete(id)
  }
  for (const [id] of started) problems.push(`run ${id} is in the audit but not in ops_runs`)
  return problems
}

/** Each change is in the audit, is legal, and starts from the status before it. */
function wrongReplay(task: string, status: Status, audit: readonly AuditRow[]): string[] {
  const problems: string[] = []
  let replayed: Status | null = null
  for (const { event, from, to } of audit) {
    if (to === null) continue
    if (from !== replayed) problems.push(`${task}: "${event}" changes from ${from}, but the status was ${replayed}`)
    else if (from !== null && !transitions[from].includes(to as never))
      problems.push(`${task}: "${event}" illegally changes from ${from} to ${to}`)
    replayed = to
  }
  if (replayed !== status) problems.push(`${task} is ${status}, but ${replayed} in its audit`)
  return problems
}

function wrongRuns(task: string, status: Status, runs: readonly RunRow[]): string[] {
  const open = runs.filter(({ isOpen }) => isOpen).length
  const problems: string[] = []
  if (open > 1) problems.push(`${task} has ${open} open runs`)
  if ((status === 'ongoing') !== open > 0) problems.push(`${task} is ${status} with ${open} open runs`)
  for (const { id, isOpen, outcome } of runs)
    if (!isOpen && outcome === null) problems.push(`run ${id} of ${task} has ended without an outcome`)
  return problems
}

function wrongSuccess(task: string, status: Status, runs: readonly RunRow[]): string[] {
  const succeeded = runs.filter(({ outcome }) => outcome === 'succeeded').length
  return succeeded === (status === 'succeeded' ? 1 : 0) ? [] : [`${task} is ${status} with ${succeeded} succeeded runs`]
}

/** The attempt is the number of runs without the interrupted ones that were given back. */
function wrongAttempt(
  task: string,
  attempt: number,
  { audit, runs }: { audit: readonly AuditRow[]; runs: readonly RunRow[] },
): string[] {
  const returned = new Set(audit.filter(({ event }) => event === 'returned').map(({ run }) => run))
  const given = runs.filter(({ id, outcome }) => outcome === 'interrupted' && returned.has(id)).length
  return attempt === runs.length - given
    ? []
    : [`${task} is at attempt ${attempt} after ${runs.length} runs, ${given} of them given back`]
}

async function readAudit(sql: Sql): Promise<AuditRow[]> {
  const rows = await sql('select task_table, task_id, run_id, event, from_status, to_status from ops_audit order by id')
  return rows.map(({ task_table, task_id, run_id, event, from_status, to_status }) => ({
    task: `${task_table} ${task_id}`,
    run: run_id === null ? undefined : Number(run_id),
    event: String(event),
    from: from_status as Status | null,
    to: to_status as Status | null,
  }))
}

async function readRuns(sql: Sql): Promise<RunRow[]> {
  const rows = await sql('select id, task_table, task_id, outcome, ended_at from ops_runs order by id')
  return rows.map(({ id, task_table, task_id, outcome, ended_at }) => ({
    id: Number(id),
    task: `${task_table} ${task_id}`,
    outcome: outcome as string | null,
    isOpen: ended_at === null,
  }))
}
