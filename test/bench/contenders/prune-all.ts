/** Prunes all tasks that succeeded, and prints how many a second. */

import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { queued } from '../../support/queued.ts'

const { file, synchronous, before } = JSON.parse(process.argv[2]!) as {
  file: string
  synchronous: 'FULL' | 'NORMAL'
  before: number
}
const checks = queued(taskTable('checks', (column) => ({ payload: column.text() })))
const queue = new SqliteQueue(file, { synchronous })
let tasks = 0
let steps = 0
const startedAt = performance.now()
let prunedAt = startedAt
const tables = [{ queued: checks, before: { succeeded: new Date(before) } }]
for await (const { groups, table } of queue.history.prune(tables, { actor: 'bench', all: [checks] })) {
  steps += 1
  for (const group of groups) tasks += group.tasks
  if (table !== '') prunedAt = performance.now()
}
const [seconds, reclaiming] = [(prunedAt - startedAt) / 1000, (performance.now() - prunedAt) / 1000]
await queue.close()
process.send!({ tasks, seconds, reclaiming, steps })
process.disconnect()
