import { DatabaseUnusableError, exitStatus, OpsError, TaskTableMissingError, unknownName } from '../errors.ts'
import { formatTime } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import type { Status } from '../task/lifecycle.ts'
import { type Lifecycle, readLifecycle } from '../task-table/lifecycle.ts'

/** A task as people look at it. */
export interface Task extends Lifecycle {
  /** `build 42`. */
  readonly name: string
  readonly queued: QueuedTable
  readonly id: TaskId
  readonly row: Readonly<Record<string, unknown>>
}

/** The result of a request about one of several tasks. */
export interface TaskChange {
  /** `build 42`. */
  readonly task: string
  readonly id: TaskId
  /** Undefined where there is no such task. */
  readonly status: Status | undefined
  /** Why the request was refused. */
  readonly problem?: OpsError | undefined
}

/**
 * The table of a processor, which may be named by the table too.
 *
 * @throws OpsError UNKNOWN_PROCESSOR or BrokenProcessorError
 */
export async function findTable(project: Project, name: string): Promise<QueuedTable> {
  if (!project.registry.processors.some((processor) => processor.name === name)) {
    const { ready } = await project.processors()
    const named = ready.find(({ queued }) => queued.table.name === name)
    if (named) return named.queued
  }
  return (await project.processor(name)).queued
}

/**
 * The same for `--table`.
 *
 * @throws OpsError UNKNOWN_TABLE or BrokenProcessorError
 */
export async function findNamedTable(project: Project, name: string): Promise<QueuedTable> {
  return findTable(project, name).catch(async (error: unknown) => {
    if (!(error instanceof OpsError) || error.code !== 'UNKNOWN_PROCESSOR') throw error
    const { ready } = await project.processors()
    const tables = ready.map(({ queued }) => queued.table.name).sort()
    throw unknownName('table', name, tables, { aliases: project.registry.processors.map((one) => one.name) })
  })
}

/** @throws OpsError INVALID_TASK_ID */
export function parseTaskId({ table, processor }: QueuedTable, text: string): TaskId {
  const column = Object.values(table.columns).find(({ name }) => name === 'id')
  if (column?.type !== 'integer') return text
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(id)) return id
  throw new OpsError('INVALID_TASK_ID', `Invalid task id "${text}": expected a whole number.`, {
    exit: exitStatus.usage,
    suggestions: [`ops tasks --table ${processor}`],
  })
}

/**
 * One task, by the names that people type.
 *
 * @throws OpsError UNKNOWN_PROCESSOR, INVALID_TASK_ID, TASK_TABLE_MISSING or TASK_NOT_FOUND
 */
export async function findTask(project: Project, processor: string, idText: string): Promise<Task> {
  return findTaskIn(project, await findTable(project, processor), idText)
}

/** @throws OpsError INVALID_TASK_ID, TASK_TABLE_MISSING or TASK_NOT_FOUND */
export async function findTaskIn(project: Project, queued: QueuedTable, idText: string): Promise<Task> {
  const id = parseTaskId(queued, idText)
  await requireTaskTable(project, queued)
  const row = await project.queue.find(queued.table, id)
  if (row) return toTask(queued, row)
  const prunedAt = await project.queue.history.prunedBy(queued.table.name, id)
  throw prunedAt ? taskPruned(queued.processor, id, prunedAt) : taskNotFound(queued.processor, id)
}

/** Its id is between those of tasks that were pruned; the exact pruning may have been an earlier one. */
function taskPruned(processor: string, id: TaskId, at: Date): OpsError {
  return new OpsError('TASK_PRUNED', `${processor} ${id} has been pruned, by ${formatTime(at)}.`, {
    suggestions: [`ops audit --table ${processor}`],
  })
}

export function taskNotFound(processor: string, id: TaskId): OpsError {
  return new OpsError('TASK_NOT_FOUND', `${processor} ${id} not found.`, {
    suggestions: [`ops tasks --table ${processor}`],
  })
}

/**
 * Checks that the database has what this version of ops keeps there. What opens a database says that it does not exist.
 *
 * @throws DatabaseUnusableError
 */
export async function requireDatabase({ queue }: Pick<Project, 'queue'>): Promise<void> {
  if (!(await queue.exists())) return
  const due = await queue.planMigration([], [])
  if (due.length === 0) return
  const names = due.map(({ name }) => name).join(', ')
  throw new DatabaseUnusableError(queue.name, `it needs migrations for this version of ops (${names})`, {
    suggestions: ['ops migrate'],
  })
}

/** @throws TaskTableMissingError, DatabaseUnusableError */
export async function requireTaskTable(project: Project, { table, processor }: QueuedTable): Promise<void> {
  await requireDatabase(project)
  if (await missingColumns(project.queue.records, table)) return
  throw new TaskTableMissingError(processor, table.name, project.queue.name)
}

export function toTask(queued: QueuedTable, row: Readonly<Record<string, unknown>>): Task {
  const { table, processor } = queued
  const { key } = Object.values(table.columns).find(({ name }) => name === 'id')!
  const id = row[key] as TaskId
  return { name: `${processor} ${id}`, queued, id, row, ...readLifecycle(table, row) }
}

/** A task for `--json`: its name and status, then its row. */
export function taskJson({ name, queued, id, status, row }: Task): Record<string, unknown> {
  const facts = { task: name, processor: queued.processor, table: queued.table.name, id, status }
  // Twice, to come first and to win over a column of the same name.
  return { ...facts, ...row, ...facts }
}
