import type { RemovedFiles } from '../processor/task-context.ts'
import type { Archive, PruneStep } from '../queue/history.ts'
import type { Queue, QueuedTable } from '../queue/queue.ts'
import type { RetentionPlan } from './retention.ts'
import { removeFile, sum, type TaskFiles } from './task-files.ts'

/** What one small piece of a pruning has done. */
export interface PruneEvent extends Omit<PruneStep, 'files'> {
  readonly logs: RemovedFiles
  readonly artifacts: RemovedFiles
}

export interface RunPruneOptions {
  readonly actor: string
  readonly every?: number | undefined
  readonly archive?: Archive | undefined
  /** All task tables. */
  readonly all: readonly QueuedTable[]
}

const nothing: RemovedFiles = { files: 0, bytes: 0 }
const none = { groups: [], kept: 0, logs: nothing, artifacts: nothing }

/** Files that are looked at in one piece. */
const FILES_AT_ONCE = 200

/** Does what a plan says, a small piece at a time: first tasks with their files, then logs and artifacts of those that stay. */
export async function* prune(
  queue: Queue,
  plan: RetentionPlan,
  files: TaskFiles,
  options: RunPruneOptions,
): AsyncGenerator<PruneEvent, void, void> {
  for await (const { files: left, ...step } of queue.history.prune(plan.tables, options)) {
    yield { ...step, ...(await files.remove(step.table, left)) }
  }
  // A task that goes on keeps its logs, however long it has printed nothing.
  const open = plan.logs.length === 0 ? [] : await queue.openRuns()
  for (const { table, before } of plan.logs) {
    const busy = new Set(open.filter(({ taskTable }) => taskTable === table).map(({ taskId }) => String(taskId)))
    let [looked, removed] = [0, nothing]
    for await (const { file, id, at } of files.logs(table)) {
      if (at < before.getTime() && !busy.has(id)) removed = sum([removed, removeFile(file)])
      looked += 1
      if (looked % FILES_AT_ONCE > 0) continue
      yield { ...none, table, logs: removed }
      removed = nothing
    }
    yield { ...none, table, logs: removed }
  }
  // What would be pruned by now, if its row did not stay for longer.
  const isDryRun = true
  for await (const { table, files: left } of queue.history.prune(plan.artifacts, { ...options, isDryRun })) {
    yield { ...none, table, artifacts: await files.removeArtifacts(table, left) }
  }
}

/** The same without doing it. Of artifacts only their processor knows. */
export async function* rehearsePrune(
  queue: Queue,
  plan: RetentionPlan,
  files: TaskFiles,
  options: RunPruneOptions,
): AsyncGenerator<PruneEvent, void, void> {
  const gone = new Set<string>()
  for await (const { files: left, ...step } of queue.history.prune(plan.tables, { ...options, isDryRun: true })) {
    for (const { id } of left) gone.add(`${step.table} ${id}`)
    yield { ...none, ...step }
  }
  const open = new Set((await queue.openRuns()).map(({ taskTable, taskId }) => `${taskTable} ${taskId}`))
  const tables = new Set([
    ...plan.tables.map(({ queued }) => queued.table.name),
    ...plan.logs.map(({ table }) => table),
  ])
  for (const table of tables) {
    const before = plan.logs.find((rule) => rule.table === table)?.before.getTime() ?? 0
    const found: RemovedFiles[] = []
    for await (const { id, at, bytes } of files.logs(table)) {
      const task = `${table} ${id}`
      if (gone.has(task) || (at < before && !open.has(task))) found.push({ files: 1, bytes })
    }
    yield { ...none, table, logs: sum(found) }
  }
}
