/** What applications and plugins import. */

export {
  type Allow,
  type Config,
  type Duration,
  defineConfig,
  type Ready,
  type RetentionConfig,
  type RetentionRules,
  type ScheduleConfig,
  type Service,
  type SqliteConfig,
  type SystemdConfig,
  type WorkerConfig,
} from './config/config.ts'
export { isDuration, parseDuration } from './config/duration.ts'
export { expected, strictMessage } from './config/schema-messages.ts'
export { isSize, parseSize } from './config/size.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './config/standard-schema.ts'
export { didYouMean, nearest, OpsError, type OpsErrorOptions, type Problem, type Severity } from './errors.ts'
export {
  formatBytes,
  formatCommand,
  formatCount,
  formatDuration,
  formatExit,
  oneLine,
  type ProgramExit,
} from './format.ts'
export {
  defineProcessor,
  type ExclusiveBy,
  type Processor,
  type ProcessorDefinition,
} from './processor/define-processor.ts'
export { formatFailure } from './processor/format-failure.ts'
export { type LastLinesOptions, lastLines, lastLinesOf, logLength } from './processor/log-tail.ts'
export { programEnvironment } from './processor/program-environment.ts'
export type { Retry } from './processor/retry.ts'
export type {
  ContextEnqueueOptions,
  Exec,
  ExecError,
  ExecOptions,
  ExecResult,
  FilesContext,
  RemovedFiles,
  TaskContext,
} from './processor/task-context.ts'
export {
  type EnqueueOptions,
  enqueue,
  type PostgresClient,
  type PostgresHandle,
  type SqliteHandle,
} from './queue/enqueue.ts'
export type { EnqueuedTask, TaskId } from './queue/queue.ts'
export { redactText, redactUrl, secretsIn } from './redact.ts'
export type { Status } from './task/lifecycle.ts'
export type { OutcomeKind } from './task/outcome.ts'
export { TaskError } from './task/task-error.ts'
export type { Column, ColumnTypes } from './task-table/column.ts'
export type { DrizzleColumns } from './task-table/described-table.ts'
export { type DescribedTaskTable, type OwnColumns, type OwnInsert, taskTable } from './task-table/described-table.ts'
export { existingTable } from './task-table/existing-table.ts'
export type {
  ColumnDescription,
  ColumnType,
  TaskColumn,
  TaskIdOf,
  TaskLifecycle,
  TaskTable,
} from './task-table/task-table.ts'
