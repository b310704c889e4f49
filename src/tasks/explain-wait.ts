import { parseDuration } from '../config/duration.ts'
import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import type { Hold } from '../queue/holds.ts'
import type { OpenRun, QueuedTable } from '../queue/queue.ts'
import type { TasksAhead } from '../queue/records.ts'
import type { Status } from '../task/lifecycle.ts'
import { taskTable } from '../task-table/described-table.ts'
import { findTask, findTaskIn, type Task, toTask } from './find-task.ts'

/** One thing that a task waits for. */
export type WaitReason =
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
  /** Its key, or its processor, is on hold. */
  | { readonly kind: 'hold'; readonly hold: Hold }
  /** Only the processors that have any. */
  | {
      readonly kind: 'tasks_ahead'
      readonly ahead: readonly TasksAhead[]
      /** When its table has a turn before tables of higher priority, if the configuration limits its wait. */
      readonly turnAt?: Date
    }
  | { readonly kind: 'no_worker' }
  /** Workers are running, and none of them claims from its table. */
  | { readonly kind: 'not_claimed'; readonly processor: string; readonly workers: readonly string[] }
  /** No processor that is enabled has its table. */
  | { readonly kind: 'no_processor'; readonly table: string }

export interface WaitExplanation {
  readonly task: Task
  /** The run that performs it. */
  readonly run: Pick<OpenRun, 'id' | 'workerId' | 'startedAt' | 'attempt'> | undefined
  /** Empty where it does not wait, or the next free worker takes it. */
  readonly reasons: readonly WaitReason[]
}

/**
 * Explains why a task has not started.
 *
 * @param processor or a task table, also one that no processor has
 * @throws OpsError UNKNOWN_PROCESSOR, INVALID_TASK_ID or TASK_NOT_FOUND
 */
export async function explainWait(project: Project, processor: string, id: string): Promise<WaitExplanation> {
  const orphan = await findOrphan(project, processor, id)
  const task = orphan ?? (await findTask(project, processor, id))
  const runs = await project.queue.openRuns()
  const run = runs.find(({ taskTable, taskId }) => taskTable === task.queued.table.name && taskId === task.id)
  if (task.status !== 'pending') return { task, run, reasons: [] }
  if (orphan) return { task, run: undefined, reasons: [{ kind: 'no_processor', table: task.queued.table.name }] }
  const reasons = await Promise.all([
    timeReason(task),
    ...(await prerequisiteReasons(project, task)),
    keyReason(project, task, runs),
    holdReason(project, task),
    tasksAheadReason(project, task),
    workerReason(project, task),
  ])
  return { task, run: undefined, reasons: reasons.filter((reason) => reason !== undefined) }
}

function timeReason({ runAt }: Task): WaitReason | undefined {
  return runAt !== undefined && runAt.getTime() > Date.now() ? { kind: 'time', runAt } : undefined
}

async function prerequisiteReasons(project: Project, { queued, row }: Task): Promise<(WaitReason | undefined)[]> {
  const { ready } = await project.processors()
  return Promise.all(
    queued.after.map(async ({ column, table }) => {
      const awaited = ready.find((one) => one.queued.table.name === table)?.queued
      const id = columnOf(queued, row, column)
      if (awaited === undefined || id === null || id === undefined) return undefined
      const found = await project.queue.find(awaited.table, id as never)
      if (found === undefined) return undefined
      const { name, status } = toTask(awaited, found)
      const isUnsettled = status === 'pending' || status === 'ongoing'
      return isUnsettled ? ({ kind: 'prerequisite', task: name, status } as const) : undefined
    }),
  )
}

async function keyReason(project: Project, task: Task, runs: readonly OpenRun[]): Promise<WaitReason | undefined> {
  const key = keyOf(task)
  const run = runs.find(({ exclusiveKey }) => key !== undefined && exclusiveKey === key)
  if (key === undefined || run === undefined) return undefined
  const nameOf = await taskNames(project)
  const { taskTable, taskId, workerId, startedAt } = run
  return { kind: 'key', key, task: nameOf(taskTable, taskId), workerId, since: startedAt }
}

async function holdReason(project: Project, task: Task): Promise<WaitReason | undefined> {
  const keys = [`processor:${task.queued.processor}`, keyOf(task)]
  const hold = (await project.queue.holds.list()).find(({ key }) => keys.includes(key))
  return hold && { kind: 'hold', hold }
}

async function tasksAheadReason(
  project: Project,
  { queued, id, runAt, createdAt }: Task,
): Promise<WaitReason | undefined> {
  const { ready } = await project.processors()
  const tables = ready.map((one) => one.queued)
  const before = tables.slice(
    0,
    tables.findIndex(({ table }) => table.name === queued.table.name),
  )
  const counted = await project.queue.records.ahead({ queued, id }, before)
  const ahead = counted.filter(({ count }) => count > 0)
  if (ahead.length === 0) return undefined
  const { starvation } = project.config.worker ?? {}
  const since = runAt ?? createdAt
  if (starvation === undefined || since === undefined || before.length === 0) return { kind: 'tasks_ahead', ahead }
  const turnAt = new Date(since.getTime() + parseDuration(starvation, 'worker.starvation'))
  return { kind: 'tasks_ahead', ahead, turnAt }
}

async function workerReason({ queue }: Project, { queued }: Task): Promise<WaitReason | undefined> {
  const { table, processor } = queued
  const workers = await queue.livingWorkers()
  if (workers.length === 0) return { kind: 'no_worker' }
  if (workers.some(({ tables }) => tables?.includes(table.name) ?? true)) return undefined
  return { kind: 'not_claimed', processor, workers: workers.map(({ id }) => id) }
}

/** A task of a table whose processor is not installed or not enabled: it has no name but that of its table. */
async function findOrphan(project: Project, name: string, id: string): Promise<Task | undefined> {
  const { registry, queue } = project
  if (registry.processors.some((processor) => processor.name === name) || !(await queue.exists())) return undefined
  const { ready } = await project.processors()
  if (ready.some(({ queued }) => queued.table.name === name)) return undefined
  if (!(await queue.records.tables()).includes(name)) return undefined
  const table = taskTable(name, () => ({}))
  const queued: QueuedTable = {
    ...{ processor: name, table, priority: Number.POSITIVE_INFINITY, exclusivity: { kind: 'none' } },
    ...{ after: [], unique: [], timeout: undefined },
    retryRules: { retry: undefined, onCrash: 'fail', onInterrupt: 'fail' },
  }
  return findTaskIn(project, queued, id)
}

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
