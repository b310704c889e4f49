import { exitStatus, OpsError } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import { stopOnSignals } from '../platform/stop.ts'
import type { Project } from '../project/open-project.ts'
import type { PrunedGroup } from '../queue/history.ts'
import type { SettledStatus } from '../task/lifecycle.ts'
import { type PruneEvent, prune, type RunPruneOptions, rehearsePrune } from '../worker/prune.ts'
import { planRetention, type RetentionPlan } from '../worker/retention.ts'
import { sum, TaskFiles } from '../worker/task-files.ts'
import { ArchiveFile } from './archive-file.ts'
import { findNamedTable, requireDatabase, requireTaskTable } from './find-task.ts'

export interface PruneOptions {
  /** A processor or its table; all by default. */
  readonly table: string | undefined
  readonly statuses: readonly SettledStatus[] | undefined
  readonly before: Date | undefined
  readonly archive: string | undefined
  readonly isDryRun: boolean
  /** The tables, in the order in which they are pruned. */
  readonly onPlan: (tables: readonly string[]) => void
  readonly onProgress: (summary: PruneSummary, table: string) => void
}

/** What a pruning has done so far, or would do. */
export interface PruneSummary {
  readonly groups: readonly (PrunedGroup & { readonly table: string; readonly processor: string })[]
  /** Tasks that others need, by their table. */
  readonly kept: Readonly<Record<string, number>>
  readonly logs: PruneEvent['logs']
  readonly artifacts: PruneEvent['artifacts']
  /** Whether it went to its end, and was not stopped by a signal. */
  readonly isComplete: boolean
  /** The file, if something is in it. */
  readonly archive?: string | undefined
}

/**
 * Prunes by the retention of the configuration, or everything that was settled before an instant.
 *
 * @throws OpsError NO_RETENTION
 */
export async function pruneTasks(project: Project, options: PruneOptions): Promise<PruneSummary> {
  const config = project.retention() ?? {}
  const { before, statuses, table } = options
  const named = table === undefined ? undefined : await findNamedTable(project, table)
  if (named) await requireTaskTable(project, named)
  else await requireDatabase(project)
  const processors = await project.processorsWithTable()
  const request = { before, statuses, processor: named?.processor }
  const plan = planRetention(processors, config, new Date(), request)
  if (isEmpty(plan) && before === undefined) throw noRetention(named?.processor)
  options.onPlan(plan.tables.map(({ queued }) => queued.table.name))
  const names = new Map(processors.map(({ queued }) => [queued.table.name, queued.processor]))
  const files = new TaskFiles(processors, { ...project, projectDirectory: project.directory })
  const archive = options.archive === undefined || options.isDryRun ? undefined : new ArchiveFile(options.archive)
  const way: RunPruneOptions = { actor: actor('prune'), archive, all: processors.map(({ queued }) => queued) }
  let summary: PruneSummary = { groups: [], kept: {}, logs: sum([]), artifacts: sum([]), isComplete: true }
  const stop = stopOnSignals()
  try {
    const events = (options.isDryRun ? rehearsePrune : prune)(project.queue, plan, files, way)
    for await (const event of events) {
      summary = added(summary, event, names)
      options.onProgress(summary, event.table)
      if (!stop.requested.aborted) continue
      summary = { ...summary, isComplete: false }
      break
    }
  } finally {
    stop.dispose()
    if (archive?.close()) summary = { ...summary, archive: archive.path }
  }
  return summary
}

function isEmpty({ tables, logs, artifacts }: RetentionPlan): boolean {
  return tables.length + logs.length + artifacts.length === 0
}

function noRetention(processor: string | undefined): OpsError {
  const of = processor === undefined ? '' : ` of ${processor}`
  return new OpsError('NO_RETENTION', `The configuration sets no retention for tasks${of}.`, {
    exit: exitStatus.usage,
    suggestions: [
      `prune what was settled before: ops prune --before 90d${processor === undefined ? '' : ` --table ${processor}`} --dry-run`,
      `set "retention" in the configuration, such as retention: { succeeded: '90d', failed: '1y' }`,
    ],
  })
}

function added(summary: PruneSummary, event: PruneEvent, names: ReadonlyMap<string, string>): PruneSummary {
  const groups = [...summary.groups]
  for (const group of event.groups) {
    const index = groups.findIndex(({ table, status }) => table === event.table && status === group.status)
    const before = groups[index]
    if (!before) groups.push({ table: event.table, processor: names.get(event.table) ?? event.table, ...group })
    else groups[index] = { ...before, ...joined(before, group) }
  }
  const { table } = event
  return {
    ...summary,
    groups,
    kept: event.kept === 0 ? summary.kept : { ...summary.kept, [table]: (summary.kept[table] ?? 0) + event.kept },
    logs: sum([summary.logs, event.logs]),
    artifacts: sum([summary.artifacts, event.artifacts]),
  }
}

function joined(a: PrunedGroup, b: PrunedGroup): Omit<PrunedGroup, 'status'> {
  return {
    tasks: a.tasks + b.tasks,
    oldest: a.oldest < b.oldest ? a.oldest : b.oldest,
    newest: a.newest > b.newest ? a.newest : b.newest,
  }
}
