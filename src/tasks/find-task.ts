import { TaskTableMissingError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { type Lifecycle, readLifecycle } from '../task-table/lifecycle.ts'
import { needDatabase } from './need-database.ts'
import { InvalidTaskIdError, TaskNotFoundError } from './task-errors.ts'

/** A task as people look at it. */
export interface Task extends Lifecycle {
  /** `build 42`. */
  readonly name: string
  readonly queued: QueuedTable
  readonly id: TaskId
  readonly row: Readonly<Record<string, unknown>>
}

/**
 * The table of a processor, which may be named by the table too.
 *
 * @throws UnknownProcessorError, BrokenProcessorError
 */
export async function findTable(project: Project, name: string): Promise<QueuedTable> {
  if (!project.registry.processors.some((processor) => processor.name === name)) {
    const { ready } = await project.processors()
    const named = ready.find(({ queued }) => queued.table.name === name)
    if (named) return named.queued
  }
  return (await project.processor(name)).queued
}

/** @throws InvalidTaskIdError */
export function parseTaskId({ table, processor }: QueuedTable, text: string): TaskId {
  const column = Object.values(table.columns).find(({ name }) => name === 'id')
  if (column?.type !== 'integer') return text
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(id)) throw new InvalidTaskIdError(processor, text)
  return id
}

/** @throws UnknownProcessorError, InvalidTaskIdError, TaskTableMissingError, TaskNotFoundError */
export async function findTask(project: Project, processor: string, idText: string): Promise<Task> {
  const queued = await findTable(project, processor)
  const id = parseTaskId(queued, idText)
  await needTaskTable(project, queued)
  const row = await project.queue.find(queued.table, id)
  if (!row) throw new TaskNotFoundError(queued.processor, id)
  return toTask(queued, row)
}

/** @throws TaskTableMissingError, DatabaseUnusableError */
export async function needTaskTable(project: Project, { table, processor }: QueuedTable): Promise<void> {
  await needDatabase(project)
  if (await project.queue.missingColumns(table)) return
  throw new TaskTableMissingError(processor, table.name, project.queue.name)
}

export function toTask(queued: QueuedTable, row: Readonly<Record<string, unknown>>): Task {
  const { table, processor } = queued
  const { key } = Object.values(table.columns).find(({ name }) => name === 'id')!
  const id = row[key] as TaskId
  return { name: `${processor} ${id}`, queued, id, row, ...readLifecycle(table, row) }
}

/** A task as data: whose it is, then its row. */
export function taskFacts({ name, queued, id, status, row }: Task): Record<string, unknown> {
  const facts = { task: name, processor: queued.processor, table: queued.table.name, id, status }
  // Said twice to come first, and not to give way to a column of such a name.
  return { ...facts, ...row, ...facts }
}
