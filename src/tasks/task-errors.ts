import { exitStatus, OpsError } from '../errors.ts'
import type { TaskId } from '../queue/queue.ts'
import type { Status } from '../task/lifecycle.ts'

export class TaskNotFoundError extends OpsError {
  constructor(processor: string, id: TaskId) {
    super('TASK_NOT_FOUND', `There is no ${processor} ${id}.`, {
      suggestions: [`see which there are: ops tasks --table ${processor}`],
    })
  }
}

export class InvalidTaskIdError extends OpsError {
  constructor(processor: string, text: string) {
    super('INVALID_TASK_ID', `The id of a task of "${processor}" is a whole number, not "${text}".`, {
      exit: exitStatus.usage,
      suggestions: [`name a task as "${processor} 42"`, `see which there are: ops tasks --table ${processor}`],
    })
  }
}

export class NoSuchAttemptError extends OpsError {
  constructor(task: string, attempt: number, attempts: readonly number[]) {
    const there = attempts.length > 0 ? `its attempts are: ${attempts.join(', ')}` : 'nobody has begun it yet'
    super('NO_SUCH_ATTEMPT', `${task} has no attempt ${attempt}; ${there}.`)
  }
}

const afterRefusedRetry: Readonly<Record<Status, (task: string) => string[]>> = {
  pending: () => ['nothing is to be done: a worker takes it when it is due'],
  ongoing: (task) => [`cancel it first: ops tasks cancel ${task}`],
  succeeded: (task) => [`add another one: ops enqueue ${task.split(' ')[0]}`],
  failed: () => [],
  canceled: () => [],
}

export class TaskNotRetryableError extends OpsError {
  constructor(task: string, status: Status) {
    const is = status === 'succeeded' ? 'has succeeded' : `is ${status}`
    super('TASK_NOT_RETRYABLE', `${task} ${is}; only failed and canceled tasks can be retried.`, {
      suggestions: afterRefusedRetry[status](task),
    })
  }
}

/** The processor says `unique`. */
export class AlikeTaskError extends OpsError {
  constructor(task: string, other: string) {
    super(
      'ALIKE_TASK',
      `${task} cannot be retried: ${other} is the same and has not ended, and no two such tasks may wait.`,
      {
        suggestions: [`see what becomes of that one: ops tasks show ${other}`],
      },
    )
  }
}

export class TaskNotCancelableError extends OpsError {
  constructor(task: string, status: Status) {
    const is = status === 'canceled' ? 'is canceled' : `has ${status}`
    super('TASK_NOT_CANCELABLE', `${task} ${is} already; only pending and ongoing tasks can be canceled.`)
  }
}

/** It was asked to stop, and something else became of it. */
export class TaskNotCanceledError extends OpsError {
  constructor(task: string, what: string, suggestion?: string) {
    super('TASK_NOT_CANCELED', `${task} was asked to stop${what}.`, {
      suggestions: suggestion === undefined ? [] : [suggestion],
    })
  }
}
