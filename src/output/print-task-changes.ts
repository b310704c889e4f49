import { type Problem, toProblem } from '../errors.ts'
import type { TaskChange } from '../tasks/find-task.ts'

interface ChangesOutput<Change> {
  readonly onChanged: (change: Change) => void
  readonly onRefused: (problem: Problem) => void
}

/**
 * Reports the results of a request about tasks, where one that was refused does not stop the others.
 *
 * @returns what `--json` prints
 * @throws OpsError where there was one task and it was refused
 */
export function printTaskChanges<Change extends TaskChange & { readonly madeDue?: object | undefined }>(
  changes: readonly Change[],
  { onChanged, onRefused }: ChangesOutput<Change>,
) {
  const [only] = changes
  if (changes.length === 1 && only?.problem) throw only.problem
  for (const change of changes) {
    if (change.problem) onRefused(change.problem)
    else onChanged(change)
  }
  if (changes.some(({ problem }) => problem)) process.exitCode = 1
  const tasks = changes.map(({ task, id, status, problem, madeDue }) => ({
    ...{ task, id, status },
    ...(madeDue && { madeDue }),
    ...(problem && { error: toProblem(problem) }),
  }))
  return { tasks }
}
