import type { TaskId, UnmetPrerequisite } from '../queue/queue.ts'
import type { Failure } from '../task/outcome.ts'

const ended = {
  pending: 'is pending again',
  ongoing: 'is ongoing again',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'was canceled',
} as const

/** Such a task fails without being tried: trying it again would not change what it waited for. */
export function unmetOutcome(
  { table, id, status }: UnmetPrerequisite,
  nameOf: (table: string, id: TaskId) => string,
): Failure {
  const name = nameOf(table, id)
  return { kind: 'failed', error: status === undefined ? `${name} does not exist` : `${name} ${ended[status]}` }
}
