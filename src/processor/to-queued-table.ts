import { parseDuration } from '../config/duration.ts'
import type { QueuedTable } from '../queue/queue.ts'
import type { AnyProcessor } from './define-processor.ts'

/** What the queue has to know of a processor, under the plugin's settings. */
export function toQueuedTable(processor: AnyProcessor, settings: unknown): QueuedTable {
  const { name, table, priority, timeout } = processor
  const limit = typeof timeout === 'function' ? timeout(settings) : timeout
  return {
    processor: name,
    table,
    priority,
    exclusivity: exclusivityOf(processor, settings),
    timeout: limit === undefined ? undefined : parseDuration(limit, `timeout of ${name}`),
  }
}

function exclusivityOf(
  { name, table, exclusive, exclusiveBy }: AnyProcessor,
  settings: unknown,
): QueuedTable['exclusivity'] {
  if (exclusiveBy !== undefined) return { kind: 'column', name: exclusiveBy, column: table.columns[exclusiveBy]!.name }
  const isExclusive = typeof exclusive === 'function' ? exclusive(settings) : exclusive
  return isExclusive ? { kind: 'table', key: `processor:${name}` } : { kind: 'none' }
}
