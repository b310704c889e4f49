import { modelTables } from './tables.ts'

/** A row of a database as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>

export interface Snapshot {
  readonly tasks: readonly TaskRow[]
  readonly runs: readonly RunRow[]
  readonly audit: readonly AuditRow[]
  /** The rows of what must never change, whole. */
  readonly history: ReadonlyMap<string, string>
}

export interface TaskRow {
  readonly name: string
  readonly status: string
  readonly attempt: number
  readonly runAt: number
  readonly hasStarted: boolean
  readonly hasFinished: boolean
  readonly error: string | null
  readonly progress: number | null
  readonly note: string | null
  readonly own: Row
}

export interface RunRow {
  readonly id: number
  readonly task: string
  readonly attempt: number
  readonly worker: string
  readonly key: string | null
  readonly isOpen: boolean
  readonly outcome: string | null
  readonly error: string | null
}

export interface AuditRow {
  readonly task: string | null
  readonly run: number | null
  readonly event: string
  readonly from: string | null
  readonly to: string | null
  readonly actor: string | null
  readonly detail: unknown
}

/** Reads the whole state of a queue, past ops. */
export async function readSnapshot(
  sql: (text: string) => Promise<readonly Row[]>,
  milliseconds: (column: string) => string,
): Promise<Snapshot> {
  const tasks: TaskRow[] = []
  for (const { table } of modelTables) {
    const rows = await sql(`select *, ${milliseconds('run_at')} as due from ${table.name} order by id`)
    for (const row of rows) tasks.push(toTask(table.name, row))
  }
  const runs = await sql('select * from ops_runs order by id')
  const audit = await sql('select * from ops_audit order by id')
  return {
    tasks,
    runs: runs.map(toRun),
    audit: audit.map(toAudit),
    history: new Map([
      ...audit.map((row): [string, string] => [`audit ${row.id}`, JSON.stringify(row)]),
      ...runs
        .filter(({ ended_at }) => ended_at !== null)
        .map((row): [string, string] => [`run ${row.id}`, JSON.stringify(row)]),
    ]),
  }
}

/** The rows of the first snapshot that must never change but differ in the second. */
export function rewritten(before: Snapshot, after: Snapshot): string[] {
  return [...before.history].filter(([name, row]) => after.history.get(name) !== row).map(([name]) => name)
}

function toTask(table: string, row: Row): TaskRow {
  const { columns } = modelTables.find((queued) => queued.table.name === table)!.table
  const own = Object.values(columns).filter(({ isLifecycle }) => !isLifecycle)
  return {
    name: `${table} ${row.id}`,
    status: row.status as string,
    attempt: Number(row.attempt),
    runAt: Number(row.due),
    hasStarted: row.started_at !== null,
    hasFinished: row.finished_at !== null,
    error: row.error as string | null,
    progress: toNumber(row.progress),
    note: row.progress_note as string | null,
    own: Object.fromEntries(
      own.map(({ name, type }) => [name, type === 'reference' ? toNumber(row[name]) : row[name]]),
    ),
  }
}

function toRun(row: Row): RunRow {
  return {
    id: Number(row.id),
    task: `${row.task_table} ${row.task_id}`,
    attempt: Number(row.attempt),
    worker: row.worker_id as string,
    key: row.exclusive_key as string | null,
    isOpen: row.ended_at === null,
    outcome: row.outcome as string | null,
    error: row.error as string | null,
  }
}

function toAudit(row: Row): AuditRow {
  return {
    task: row.task_table === null ? null : `${row.task_table} ${row.task_id}`,
    run: toNumber(row.run_id),
    event: row.event as string,
    from: row.from_status as string | null,
    to: row.to_status as string | null,
    actor: row.actor as string | null,
    detail: typeof row.detail === 'string' ? JSON.parse(row.detail) : row.detail,
  }
}

function toNumber(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
