/** What the tests of a plugin import, as `@ops-cli/core/testing`. */

export type { FinishedTask, ProgressReport, RunningTask } from './running-task.ts'
export { openTestBench, type TestBench, type TestBenchOptions } from './test-bench.ts'
