import type { QueuedTable } from '../queue/queue.ts'
import type { AnyProcessor } from './define-processor.ts'

/** A processor that is imported and configured: ready to perform tasks. */
export interface ReadyProcessor {
  readonly processor: AnyProcessor
  /** The plugin's part of the configuration, after its schema. */
  readonly settings: unknown
  readonly queued: QueuedTable
}
