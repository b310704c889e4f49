import { FollowedTask } from '../output/followed-task.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { type FollowedRow, followTask } from '../tasks/follow-task.ts'

/** A task that is waited for, and the attempts that were made before. */
interface Waited {
  readonly id: TaskId
  readonly attempts?: number
}

/** Follows tasks to their ends, one after the other. */
export async function waitForTasks(
  project: Project,
  queued: QueuedTable,
  tasks: readonly Waited[],
  out: NodeJS.WritableStream,
): Promise<FollowedRow[]> {
  const ended = []
  for (const { id, attempts } of tasks) {
    const view = new FollowedTask(`${queued.processor} ${id}`, out)
    ended.push(await followTask(project, queued, id, view, attempts))
  }
  return ended
}
