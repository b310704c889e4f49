import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import type { Hold } from '../queue/holds.ts'
import type { OpenRun, QueuedTable } from '../queue/queue.ts'
import type { TasksAhead } from '../queue/records.ts'
import type { Status } from '../task/lifecycle.ts'
import { findTask, type Task, toTask } from './find-task.ts'

/** One thing for which a task waits. */
export type Reason =
  | { readonly kind: 'time'; readonly runAt: Date }
  | { readonly kind: 'prerequisite'; readonly task: string; readonly status: Status }
  /** Another run has its key. */
  | {
      readonly kind: 'key'
      readonly key: string
      readonly task: string
      readonly workerId: string
      readonly since: Date
    }
  /** A person has its key, or all tasks of its processor. */
  | { readonly kind: 'hold'; readonly hold: Hold }
  /** Only the processors that have any. */
  | { readonly kind: 'tasks_ahead'; readonly ahead: readonly TasksAhead[] }
  | { readonly kind: 'no_worker' }

export interface Why {
  readonly task: Task
  /** The run that performs it, where one does. */
  readonly run: Pick<OpenRun, 'id' | 'workerId' | 'startedAt' | 'attempt'> | undefined
  /** None where it does not wait, or the next free worker takes it. */
  readonly reasons: readonly Reason[]
}

/**
 * Why a task is not being performed.
 *
 * @throws UnknownProcessorError, InvalidTaskIdError, TaskNotFoundError
 */
export async function whyTask(project: Project, processor: string, id: string): Promise<Why> {
  const task = await findTask(project, processor, id)
  const runs = await project.queue.openRuns()
  const run = runs.find(({ taskTable, taskId }) => taskTable === task.queued.table.name && taskId === task.id)
  if (task.status !== 'pending') return { task, run, reasons: [] }
  const reasons = await Promise.all([
    dueTime(task),
    ...(await prerequisites(project, task)),
    keyHolder(project, task, runs),
    holder(project, task),
    tasksAhead(project, task),
    noWorker(project),
  ])
  return { task, run: undefined, reasons: reasons.filter((reason) => reason !== undefined) }
}

function dueTime({ runAt }: Task): Reason | undefined {
  return runAt !== undefined && runAt.getTime() > Date.now() ? { kind: 'time', runAt } : undefined
}

async function prerequisites(project: Project, { queued, row }: Task): Promise<(Reason | undefined)[]> {
  const { ready } = await project.processors()
  return Promise.all(
    queued.after.map(async ({ column, table }) => {
      const awaited = ready.find((one) => one.queued.table.name === table)?.queued
      const id = columnOf(queued, row, column)
      if (awaited === undefined || id === null || id === undefined) return undefined
      const found = await project.queue.find(awaited.table, id as never)
      if (found === undefined) return undefined
      const { name, status } = toTask(awaited, found)
      const isWaitedFor = status === 'pending' || status === 'ongoing'
      return isWaitedFor ? ({ kind: 'prerequisite', task: name, status } as const) : undefined
    }),
  )
}

async function keyHolder(project: Project, task: Task, runs: readonly OpenRun[]): Promise<Reason | undefined> {
  const key = keyOf(task)
  const run = runs.find(({ exclusiveKey }) => key !== undefined && exclusiveKey === key)
  if (key === undefined || run === undefined) return undefined
  const nameOf = await taskNames(project)
  const { taskTable, taskId, workerId, startedAt } = run
  return { kind: 'key', key, task: nameOf(taskTable, taskId), workerId, since: startedAt }
}

async function holder(project: Project, task: Task): Promise<Reason | undefined> {
  const keys = [`processor:${task.queued.processor}`, keyOf(task)]
  const hold = (await project.queue.holds.list()).find(({ key }) => keys.includes(key))
  return hold && { kind: 'hold', hold }
}

async function tasksAhead(project: Project, { queued, id }: Task): Promise<Reason | undefined> {
  const { ready } = await project.processors()
  const tables = ready.map((one) => one.queued)
  const before = tables.slice(
    0,
    tables.findIndex(({ table }) => table.name === queued.table.name),
  )
  const counted = await project.queue.records.ahead({ queued, id }, before)
  const ahead = counted.filter(({ count }) => count > 0)
  return ahead.length > 0 ? { kind: 'tasks_ahead', ahead } : undefined
}

async function noWorker(project: Project): Promise<Reason | undefined> {
  return (await project.queue.hasLivingWorker()) ? undefined : { kind: 'no_worker' }
}

/** The exclusivity key of a task, where it has one. */
function keyOf({ queued, row }: Task): string | undefined {
  const { exclusivity } = queued
  switch (exclusivity.kind) {
    case 'none':
      return undefined
    case 'table':
      return exclusivity.key
    case 'column': {
      const value = columnOf(queued, row, exclusivity.column)
      return value === null || value === undefined ? undefined : `${exclusivity.name}:${value}`
    }
  }
}

function columnOf({ table }: QueuedTable, row: Task['row'], column: string): unknown {
  const key = Object.values(table.columns).find(({ name }) => name === column)?.key
  return key === undefined ? undefined : row[key]
}
