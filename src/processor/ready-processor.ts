import { parseDuration } from '../config/duration.ts'
import { invalidProcessor } from '../errors.ts'
import type { QueuedTable } from '../queue/queue.ts'
import type { RetryRules } from '../task/retry-rules.ts'
import { type AnyProcessor, exclusivityKey, prerequisiteKeys } from './define-processor.ts'
import { retryProblem, toBackoff } from './retry.ts'

/** A processor that is imported and configured: it can perform tasks. */
export interface ReadyProcessor {
  readonly processor: AnyProcessor
  /** The plugin's part of the configuration, as its schema returned it. */
  readonly settings: unknown
  readonly queued: QueuedTable
}

/** What the queue needs to know about a processor, under the plugin's settings. */
export function toQueuedTable(processor: AnyProcessor, settings: unknown): QueuedTable {
  const { name, table, priority, timeout } = processor
  const limit = typeof timeout === 'function' ? timeout(settings) : timeout
  return {
    processor: name,
    table,
    priority,
    exclusivity: exclusivityOf(processor, settings),
    after: prerequisiteKeys(processor.after).map((key) => {
      const { name: column, target } = table.columns[key]!
      return { column, table: target!().name }
    }),
    unique: (processor.unique ?? []).map((key: string) => table.columns[key]!.name),
    retryRules: retryRulesOf(processor, settings),
    timeout: limit === undefined ? undefined : parseDuration(limit, `timeout of ${name}`),
  }
}

function retryRulesOf(
  { name, retry, onCrash = 'fail', onInterrupt = 'fail' }: AnyProcessor,
  settings: unknown,
): RetryRules {
  const chosen = typeof retry === 'function' ? retry(settings) : retry
  const problem = chosen && retryProblem(chosen)
  if (problem) throw invalidProcessor(name, problem)
  return { retry: chosen && toBackoff(chosen), onCrash, onInterrupt }
}

function exclusivityOf(
  { name, table, exclusive, exclusiveBy }: AnyProcessor,
  settings: unknown,
): QueuedTable['exclusivity'] {
  if (exclusiveBy !== undefined) {
    const { key, column } = exclusivityKey(exclusiveBy, table)
    return { kind: 'column', name: key, column }
  }
  const isExclusive = typeof exclusive === 'function' ? exclusive(settings) : exclusive
  return isExclusive ? { kind: 'table', key: `processor:${name}` } : { kind: 'none' }
}
