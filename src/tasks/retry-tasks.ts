import { isDeepStrictEqual } from 'node:util'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { Queue, QueuedTable, RetryResult, TaskId } from '../queue/queue.ts'
import type { ChangedTask } from './changed-task.ts'
import { findTable, needTaskTable, parseTaskId, type Task, toTask } from './find-task.ts'
import { AlikeTaskError, TaskNotFoundError, TaskNotRetryableError } from './task-errors.ts'

/** Unsettled tasks among which one is looked for that keeps another from being retried. */
const LOOKED_AT = 10_000

export interface RetriedTask extends ChangedTask {
  /** The attempts before this retry. */
  readonly attempts: number
}

/** Makes tasks pending again, each by itself. */
export async function retryTasks(
  project: Project,
  processor: string,
  ids: readonly string[],
): Promise<{ queued: QueuedTable; tasks: RetriedTask[] }> {
  const queued = await findTable(project, processor)
  const parsed = [...new Set(ids.map((id) => parseTaskId(queued, id)))]
  await needTaskTable(project, queued)
  const tasks = []
  for (const id of parsed) tasks.push(await retryTask(project, queued, id))
  return { queued, tasks }
}

async function retryTask({ queue }: Project, queued: QueuedTable, id: TaskId): Promise<RetriedTask> {
  const { table, processor } = queued
  const task = `${processor} ${id}`
  const attempts = Math.max(0, ...(await queue.records.runs(table, id)).map(({ attempt }) => attempt))
  try {
    const result = await queue.retry(table, id, actor('retry'))
    return { task, id, attempts, status: result?.status, problem: refusal(queued, id, result) }
  } catch (error) {
    const row = await queue.find(table, id)
    const refused = row && toTask(queued, row)
    const alike = refused && (await unsettledAlike(queue, refused))
    if (!alike) throw error
    return { task, id, attempts, status: refused.status, problem: new AlikeTaskError(task, alike.name) }
  }
}

function refusal({ processor }: QueuedTable, id: TaskId, result: RetryResult) {
  if (!result) return new TaskNotFoundError(processor, id)
  return result.change === 'none' ? new TaskNotRetryableError(`${processor} ${id}`, result.status) : undefined
}

/** Where no two tasks of a kind may be unsettled, the one because of which the database refused the retry. */
async function unsettledAlike({ records }: Queue, { queued, row, id }: Task): Promise<Task | undefined> {
  const { table, unique } = queued
  const keys = Object.values(table.columns).flatMap(({ name, key }) => (unique.includes(name) ? [key] : []))
  if (keys.length === 0) return undefined
  const unsettled = await records.tasks(table, { statuses: ['pending', 'ongoing'], limit: LOOKED_AT })
  return unsettled
    .map((other) => toTask(queued, other))
    .find((other) => other.id !== id && keys.every((key) => isDeepStrictEqual(other.row[key], row[key])))
}
