/** What applications and plugins import. */

export {
  type Config,
  defineConfig,
  type Ready,
  type ScheduleConfig,
  type Service,
  type WorkerConfig,
} from './config/config.ts'
export { OpsError } from './errors.ts'
export {
  defineProcessor,
  type ExclusiveBy,
  type Processor,
  type ProcessorDefinition,
} from './processor/define-processor.ts'
export type { Retry } from './processor/retry.ts'
export type {
  ContextEnqueueOptions,
  Exec,
  ExecError,
  ExecOptions,
  ExecResult,
  TaskContext,
} from './processor/task-context.ts'
export { type EnqueueOptions, enqueue, type PostgresHandle, type SqliteHandle } from './queue/enqueue.ts'
export type { EnqueuedTask, TaskId } from './queue/queue.ts'
export type { Status } from './task/lifecycle.ts'
export { TaskError } from './task/task-error.ts'
export { existingTable } from './task-table/existing-table.ts'
export { type DescribedTaskTable, type TaskTable, taskTable } from './task-table/task-table.ts'
