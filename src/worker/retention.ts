import type { RetentionConfig, RetentionRules } from '../config/config.ts'
import { parseDuration } from '../config/duration.ts'
import type { InputProblem } from '../errors.ts'
import { nearest } from '../errors.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { PruneTable } from '../queue/history.ts'
import { type SettledStatus, settledStatuses } from '../task/lifecycle.ts'

/** What goes now. */
export interface RetentionPlan {
  /** Tables whose tasks refer to others come before them. */
  readonly tables: readonly PruneTable[]
  /** Logs without a line since then. */
  readonly logs: readonly { readonly table: string; readonly before: Date }[]
  /** Files that processors have kept for tasks that were settled before. */
  readonly artifacts: readonly PruneTable[]
}

/** What a person asks for. */
export interface PruneRequest {
  /** In place of the retention of the configuration. */
  readonly before?: Date | undefined
  readonly statuses?: readonly SettledStatus[] | undefined
  /** One processor. */
  readonly processor?: string | undefined
}

/** What is settled, and for how long it stays, as a plan of what goes: data, so that it can be shown. */
export function planRetention(
  processors: readonly ReadyProcessor[],
  config: RetentionConfig,
  now: Date,
  { before, statuses = settledStatuses, processor }: PruneRequest = {},
): RetentionPlan {
  const wanted = inOrder(processors).filter(({ queued }) =>
    processor === undefined
      ? !queued.table.isExisting || config.processors?.[queued.processor] !== undefined
      : queued.processor === processor,
  )
  const limit = (ready: ReadyProcessor, rule: keyof RetentionRules): Date | undefined => {
    const { processors: own, ...all } = config
    const rules = { ...all, ...own?.[ready.queued.processor] }
    const text = rules[rule]
    return text === undefined ? undefined : new Date(now.getTime() - parseDuration(text, `retention.${rule}`))
  }
  const isPartial = before !== undefined || statuses.length < settledStatuses.length
  const rules = isPartial ? [] : wanted
  return {
    tables: wanted.flatMap((ready) => {
      const limits = statuses.map((status) => [status, before ?? limit(ready, status)] as const)
      const given = limits.filter(([, at]) => at !== undefined)
      return given.length === 0 ? [] : [{ queued: ready.queued, before: Object.fromEntries(given) }]
    }),
    logs: rules.flatMap((ready) => {
      const at = limit(ready, 'logs')
      return at === undefined ? [] : [{ table: ready.queued.table.name, before: at }]
    }),
    artifacts: rules.flatMap((ready) => {
      const at = limit(ready, 'artifacts')
      if (at === undefined || !ready.processor.removeFiles) return []
      return [{ queued: ready.queued, before: Object.fromEntries(settledStatuses.map((status) => [status, at])) }]
    }),
  }
}

/** Entries of processors that do not exist. */
export function retentionProblems({ processors = {} }: RetentionConfig, known: readonly string[]): InputProblem[] {
  return Object.keys(processors)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known)
      const advice = meant === undefined ? '' : `, did you mean "${meant}"?`
      return { where: `retention.processors.${name}`, message: `unknown processor "${name}"${advice}` }
    })
}

/** Those whose table refers to others before the others. */
function inOrder(processors: readonly ReadyProcessor[]): ReadyProcessor[] {
  const sorted = new Set<ReadyProcessor>()
  const visit = (ready: ReadyProcessor, path: readonly ReadyProcessor[]) => {
    if (sorted.has(ready) || path.includes(ready)) return
    for (const other of processors) {
      if (targetsOf(other).includes(ready.queued.table.name)) visit(other, [...path, ready])
    }
    sorted.add(ready)
  }
  for (const ready of processors) visit(ready, [])
  return [...sorted]
}

function targetsOf({ queued }: ReadyProcessor): string[] {
  const references = Object.values(queued.table.columns).flatMap(({ target }) => (target ? [target().name] : []))
  return [...references, ...queued.after.map(({ table }) => table)]
}
