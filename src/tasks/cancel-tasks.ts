import { setTimeout as delay } from 'node:timers/promises'
import { OpsError } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { isSettled, type Status } from '../task/lifecycle.ts'
import { readLifecycle } from '../task-table/lifecycle.ts'
import { findTable, parseTaskId, requireTaskTable, type TaskChange, taskNotFound } from './find-task.ts'

/** A worker polls each second, and its task has some seconds to end. */
const TIMEOUT_MS = 15_000

const POLL_INTERVAL_MS = 50

interface CancelOptions {
  /** Waits until tasks that are ongoing have stopped. */
  readonly wait: boolean
  readonly onStopping: (task: string) => void
  /** Milliseconds that a task has to stop. */
  readonly timeout?: number
}

/** Cancels tasks, each on its own. */
export async function cancelTasks(
  project: Project,
  processor: string,
  ids: readonly string[],
  { wait, onStopping, timeout = TIMEOUT_MS }: CancelOptions,
): Promise<TaskChange[]> {
  const queued = await findTable(project, processor)
  const parsed = [...new Set(ids.map((id) => parseTaskId(queued, id)))]
  await requireTaskTable(project, queued)
  // All are requested before any is awaited.
  const results = []
  for (const id of parsed) results.push(await cancelTask(project, queued, id))
  for (const { task, isStopping } of results) if (isStopping) onStopping(task)
  return Promise.all(
    results.map(({ isStopping, ...change }) =>
      isStopping && wait ? stopped(project, queued, change, timeout) : change,
    ),
  )
}

async function cancelTask(
  { queue }: Project,
  { table, processor }: QueuedTable,
  id: TaskId,
): Promise<TaskChange & { isStopping: boolean }> {
  const task = `${processor} ${id}`
  const result = await queue.cancel(table, id, actor('cancel'))
  const problem = !result
    ? taskNotFound(processor, id)
    : result.change === 'none'
      ? notCancelable(task, result.status)
      : undefined
  return { task, id, status: result?.status, isStopping: result?.change === 'asked', problem }
}

function notCancelable(task: string, status: Status): OpsError {
  const message =
    status === 'canceled'
      ? `${task} is already canceled.`
      : `${task} has already ${status}; only pending and ongoing tasks can be canceled.`
  return new OpsError('TASK_NOT_CANCELABLE', message)
}

/** Waits until a task has stopped. */
async function stopped(
  { queue }: Project,
  { table }: QueuedTable,
  change: TaskChange,
  timeout: number,
): Promise<TaskChange> {
  const { task, id } = change
  const deadline = performance.now() + timeout
  const hasWorker = (await queue.livingWorkers()).length > 0
  for (;;) {
    const row = await queue.find(table, id)
    if (!row)
      return { ...change, status: undefined, problem: notCanceled(`${task} was deleted while it was stopping.`) }
    const { status, error } = readLifecycle(table, row)
    if (isSettled(status)) return { ...change, status, problem: otherEnd(task, status, error) }
    if (!hasWorker) {
      const message = `${task} is not canceled yet: no worker is running. The next one that starts cancels it.`
      return { ...change, status, problem: notCanceled(message, 'ops worker') }
    }
    if (performance.now() > deadline) {
      const message = `${task} is not canceled yet: its worker has not responded.`
      return { ...change, status, problem: notCanceled(message, `ops tasks show ${task}`) }
    }
    await delay(POLL_INTERVAL_MS)
  }
}

function otherEnd(task: string, status: Status, error: string | undefined): OpsError | undefined {
  if (status === 'canceled') return undefined
  const reason = error === undefined ? '.' : `: ${error}`
  return notCanceled(`${task} was not canceled: it has ${status}${reason}`, `ops tasks show ${task}`)
}

function notCanceled(message: string, ...suggestions: string[]): OpsError {
  return new OpsError('TASK_NOT_CANCELED', message, { suggestions })
}
