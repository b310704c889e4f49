import type { QueuedTable } from '../../src/queue/queue.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'

/** A task table with the rules of a processor that says nothing special. */
export function queued(table: TaskTable, rules: Partial<QueuedTable> = {}): QueuedTable {
  const processor = table.name.replace(/s$/, '')
  return {
    processor,
    table,
    priority: 100,
    exclusivity: { kind: 'none' },
    after: [],
    unique: [],
    timeout: undefined,
    retryRules: { retry: undefined, onCrash: 'fail', onInterrupt: 'fail' },
    ...rules,
  }
}
