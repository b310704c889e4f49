/** The entry point `@ops-cli/core/testing`, for tests of plugins. */

export type { FinishedTask, ProgressReport, RunningTask } from './running-task.ts'
export { openTestBench, type TestBench, type TestBenchOptions } from './test-bench.ts'
