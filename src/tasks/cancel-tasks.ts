import { setTimeout as delay } from 'node:timers/promises'
import type { OpsError } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { isSettled, type Status } from '../task/lifecycle.ts'
import { readLifecycle } from '../task-table/lifecycle.ts'
import type { ChangedTask } from './changed-task.ts'
import { findTable, needTaskTable, parseTaskId } from './find-task.ts'
import { TaskNotCancelableError, TaskNotCanceledError, TaskNotFoundError } from './task-errors.ts'

/** A worker looks each second, and its task has some seconds to end. */
const PATIENCE_MS = 15_000

const LOOK_EVERY_MS = 50

interface CancelOptions {
  /** Waits for the workers of tasks that are ongoing. */
  readonly wait: boolean
  readonly onAsked: (task: string) => void
  /** Milliseconds. */
  readonly patience?: number
}

/** Cancels tasks, each by itself. */
export async function cancelTasks(
  project: Project,
  processor: string,
  ids: readonly string[],
  { wait, onAsked, patience = PATIENCE_MS }: CancelOptions,
): Promise<ChangedTask[]> {
  const queued = await findTable(project, processor)
  const parsed = [...new Set(ids.map((id) => parseTaskId(queued, id)))]
  await needTaskTable(project, queued)
  // All are asked before any is waited for.
  const results = []
  for (const id of parsed) results.push(await cancelTask(project, queued, id))
  for (const { task, isAsked } of results) if (isAsked) onAsked(task)
  return Promise.all(
    results.map(({ isAsked, ...result }) => (isAsked && wait ? ending(project, queued, result, patience) : result)),
  )
}

async function cancelTask(
  { queue }: Project,
  { table, processor }: QueuedTable,
  id: TaskId,
): Promise<ChangedTask & { isAsked: boolean }> {
  const task = `${processor} ${id}`
  const result = await queue.cancel(table, id, actor('cancel'))
  const problem = !result
    ? new TaskNotFoundError(processor, id)
    : result.change === 'none'
      ? new TaskNotCancelableError(task, result.status)
      : undefined
  return { task, id, status: result?.status, isAsked: result?.change === 'asked', problem }
}

/** Waits for the end of a task that was asked to stop. */
async function ending(
  { queue }: Project,
  { table }: QueuedTable,
  result: ChangedTask,
  patience: number,
): Promise<ChangedTask> {
  const { task, id } = result
  const deadline = performance.now() + patience
  const isAnswered = await queue.hasLivingWorker()
  for (;;) {
    const row = await queue.find(table, id)
    if (!row) return { ...result, status: undefined, problem: new TaskNotCanceledError(task, ', and is deleted') }
    const { status, error } = readLifecycle(table, row)
    if (isSettled(status)) return { ...result, status, problem: whatElse(task, status, error) }
    if (!isAnswered || performance.now() > deadline) {
      return { ...result, status, problem: isAnswered ? unanswered(task) : withoutWorker(task) }
    }
    await delay(LOOK_EVERY_MS)
  }
}

function whatElse(task: string, status: Status, error: string | undefined): OpsError | undefined {
  if (status === 'canceled') return undefined
  const how = error === undefined ? '' : `: ${error}`
  return new TaskNotCanceledError(task, `, and has ${status} instead${how}`, `see what it did: ops tasks show ${task}`)
}

function unanswered(task: string): OpsError {
  return new TaskNotCanceledError(
    task,
    '; its worker has not answered yet',
    `see what becomes of it: ops tasks show ${task}`,
  )
}

function withoutWorker(task: string): OpsError {
  return new TaskNotCanceledError(
    task,
    '; no worker is running, so the next one that starts ends it',
    'start one: ops worker',
  )
}
