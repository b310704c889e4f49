import { exitStatus, OpsError } from '../errors.ts'

export class InvalidTaskNameError extends OpsError {
  constructor(text: string) {
    super('INVALID_TASK_NAME', `"${text}" names no task.`, {
      exit: exitStatus.usage,
      suggestions: ['name a task by its processor and its id: "build 42"'],
    })
  }
}

/**
 * Reads `build 42`.
 *
 * @throws InvalidTaskNameError
 */
export function readTaskName(text: string): readonly [processor: string, id: string] {
  const [, processor, id] = /^\s*(\S+)\s+(\S+)\s*$/.exec(text) ?? []
  if (processor === undefined || id === undefined) throw new InvalidTaskNameError(text)
  return [processor, id]
}
