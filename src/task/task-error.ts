/** Marks such an error, whichever copy of this module created it. */
const TASK_ERROR: unique symbol = Symbol.for('ops-cli.task-error') as never

/** Thrown by a processor to fail its task with more than a message. */
export class TaskError extends Error {
  override readonly name = 'TaskError'
  /** Written to the task's own columns together with `failed`, by their keys in TypeScript. */
  readonly columns: Readonly<Record<string, unknown>>
  /** Whether a retry would not help, so that `retry` does not apply. */
  readonly isFinal: boolean

  /** @param message one line, for the task's `error` */
  constructor(
    message: string,
    options: { columns?: Readonly<Record<string, unknown>>; isFinal?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.columns = options.columns ?? {}
    this.isFinal = options.isFinal ?? false
    Object.defineProperty(this, TASK_ERROR, { value: true })
  }
}

export function isTaskError(error: unknown): error is TaskError {
  return typeof error === 'object' && error !== null && TASK_ERROR in error
}
