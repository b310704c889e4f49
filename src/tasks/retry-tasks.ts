import { isDeepStrictEqual } from 'node:util'
import { OpsError } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { Queue, QueuedTable, RetryResult, TaskId } from '../queue/queue.ts'
import type { Status } from '../task/lifecycle.ts'
import {
  findTable,
  parseTaskId,
  requireTaskTable,
  type Task,
  type TaskChange,
  taskNotFound,
  toTask,
} from './find-task.ts'

/** How many unsettled tasks are searched for the duplicate that blocks a retry. */
const SEARCH_LIMIT = 10_000

export interface RetriedTask extends TaskChange {
  /** The attempts before this retry, of the task that is due now. */
  readonly attempts: number
  /** What was scheduled for later and is due now instead: the task itself, or the one that is the same where no two may wait. */
  readonly madeDue?: { readonly task: string; readonly id: TaskId; readonly scheduledFor: Date } | undefined
}

/** Makes tasks pending again, or due if they are scheduled for later, each on its own. */
export async function retryTasks(
  project: Project,
  processor: string,
  ids: readonly string[],
): Promise<{ queued: QueuedTable; tasks: RetriedTask[] }> {
  const queued = await findTable(project, processor)
  const parsed = [...new Set(ids.map((id) => parseTaskId(queued, id)))]
  await requireTaskTable(project, queued)
  const tasks = []
  for (const id of parsed) tasks.push(await retryTask(project, queued, id))
  return { queued, tasks }
}

async function retryTask({ queue }: Project, queued: QueuedTable, id: TaskId): Promise<RetriedTask> {
  const { table, processor } = queued
  const task = `${processor} ${id}`
  const attempts = await attemptsAt(queue, queued, id)
  try {
    const result = await queue.retry(table, id, actor('retry'))
    const madeDue = result?.status === 'pending' && result.change === 'none' && (await makeDue(queue, queued, id))
    if (madeDue) return { task, id, attempts, status: 'pending', madeDue }
    return { task, id, attempts, status: result?.status, problem: refusal(queued, id, result) }
  } catch (error) {
    const row = await queue.find(table, id)
    const refused = row && toTask(queued, row)
    const duplicate = refused && (await findDuplicate(queue, refused))
    if (!duplicate) throw error
    const madeDue = await makeDue(queue, queued, duplicate.id)
    if (madeDue) {
      return { task, id, attempts: await attemptsAt(queue, queued, duplicate.id), status: refused.status, madeDue }
    }
    return { task, id, attempts, status: refused.status, problem: notUnique(task, duplicate.name) }
  }
}

async function attemptsAt({ records }: Queue, { table }: QueuedTable, id: TaskId): Promise<number> {
  return Math.max(0, ...(await records.runs(table, id)).map(({ attempt }) => attempt))
}

/** Makes a task due that waits for later; undefined if it does not. */
async function makeDue(queue: Queue, queued: QueuedTable, id: TaskId): Promise<RetriedTask['madeDue']> {
  const row = await queue.find(queued.table, id)
  if (!row) return undefined
  const { name, status, runAt } = toTask(queued, row)
  if (status !== 'pending' || runAt === undefined || runAt.getTime() <= Date.now()) return undefined
  await queue.makeDue(queued.table, id)
  return { task: name, id, scheduledFor: runAt }
}

function refusal({ processor }: QueuedTable, id: TaskId, result: RetryResult): OpsError | undefined {
  if (!result) return taskNotFound(processor, id)
  return result.change === 'none' ? notRetryable(processor, id, result.status) : undefined
}

function notRetryable(processor: string, id: TaskId, status: Status): OpsError {
  const task = `${processor} ${id}`
  const suggestions: Partial<Record<Status, string>> = {
    pending: `ops tasks why ${task}`,
    ongoing: `ops tasks cancel ${task}`,
    succeeded: `ops enqueue ${processor}`,
  }
  const verb = status === 'succeeded' ? 'has succeeded' : `is ${status}`
  return new OpsError('TASK_NOT_RETRYABLE', `${task} ${verb}; only failed and canceled tasks can be retried.`, {
    suggestions: [suggestions[status] ?? []].flat(),
  })
}

/** The processor declares `unique`. */
function notUnique(task: string, other: string): OpsError {
  return new OpsError('DUPLICATE_TASK', `${task} cannot be retried: it must be unique, and ${other} is the same.`, {
    suggestions: [`ops tasks show ${other}`],
  })
}

/** The unsettled duplicate because of which the database refused the retry. */
async function findDuplicate({ records }: Queue, { queued, row, id }: Task): Promise<Task | undefined> {
  const { table, unique } = queued
  const keys = Object.values(table.columns).flatMap(({ name, key }) => (unique.includes(name) ? [key] : []))
  if (keys.length === 0) return undefined
  const unsettled = await records.tasks(table, { statuses: ['pending', 'ongoing'], limit: SEARCH_LIMIT })
  return unsettled
    .map((other) => toTask(queued, other))
    .find((other) => other.id !== id && keys.every((key) => isDeepStrictEqual(other.row[key], row[key])))
}
