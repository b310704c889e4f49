import type { OpsError } from '../errors.ts'
import type { TaskId } from '../queue/queue.ts'
import type { Status } from '../task/lifecycle.ts'

/** What a request about one of several tasks came to. */
export interface ChangedTask {
  /** `build 42`. */
  readonly task: string
  readonly id: TaskId
  /** Undefined when there is no such task. */
  readonly status: Status | undefined
  /** Why what was asked for was not done. */
  readonly problem?: OpsError | undefined
}
