import type { ChangedTask } from '../tasks/changed-task.ts'

interface Telling {
  /** What is said of a task with which it went well. */
  readonly say: (change: ChangedTask) => void
  readonly complain: (text: string) => void
}

/**
 * Tells what requests about tasks came to. Of several tasks, those that were refused do not keep the others back.
 *
 * @throws OpsError when there was one task, and it was refused
 */
export function tellChanges(changes: readonly ChangedTask[], { say, complain }: Telling): { tasks: unknown[] } {
  const [only] = changes
  if (changes.length === 1 && only?.problem) throw only.problem
  for (const change of changes) {
    if (!change.problem) say(change)
    else complain([change.problem.message, ...change.problem.suggestions].join('\n  '))
  }
  if (changes.some(({ problem }) => problem)) process.exitCode = 1
  const tasks = changes.map(({ task, id, status, problem }) => ({
    task,
    id,
    status,
    ...(problem && { error: problem.message }),
  }))
  return { tasks }
}
