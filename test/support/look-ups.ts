import type { Queue } from '../../src/queue/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { historyOf } from './history.ts'
import { queued } from './queued.ts'

const imports = queued(taskTable('imports', (column) => ({ environment: column.text().notNull() })))
const deployments = queued(
  taskTable('deployments', (column) => ({
    environment: column.text().notNull(),
    importId: column.reference(() => imports.table),
  })),
  { processor: 'deploy', exclusivity: { kind: 'column', name: 'environment', column: 'environment' } },
)

export const lookUpTables = [imports, deployments]
const names = lookUpTables.map(({ table }) => table.name)

/** Statements that leave a table that was used a little, long ago, and one with this many finished tasks, from then on. */
export function historyToLookAt(finished: number, database: 'sqlite' | 'postgres'): string[] {
  return historyOf(
    [
      { name: 'imports', finished: 1000 },
      { name: 'deployments', finished, hasKey: true },
    ],
    database,
  )
}

/** Adds a few thousand tasks that wait: for a held key, for their time, and for a worker. */
export async function addWaiting(queue: Queue, count: number): Promise<void> {
  await queue.holds.take('environment:held', 'ada', undefined)
  const rows = (environment: string) => Array.from({ length: count }, () => ({ environment }))
  await queue.enqueue(deployments.table, rows('held'))
  await queue.enqueue(deployments.table, rows('later'), { runAt: new Date(Date.now() + 86_400_000) })
  await queue.enqueue(deployments.table, rows('now').slice(0, 100))
}

const statuses = ['pending', 'ongoing', 'succeeded', 'failed', 'canceled'] as const

/** What the commands and the workers read, each by the name of who reads it. */
export function lookUps(queue: Queue, finished: number): Record<string, () => Promise<unknown>> {
  const { records } = queue
  const old = Math.ceil(finished / 2)
  const list = (table: typeof imports, ...of: (typeof statuses)[number][]) =>
    records.tasks(table.table, { statuses: of, limit: 51 })
  const audit = (filter: object) => records.audit({ limit: 50, ...filter })
  return {
    tasks: () => list(deployments),
    ...Object.fromEntries(statuses.map((status) => [`tasks --status ${status}`, () => list(deployments, status)])),
    'tasks --status failed,canceled': () => list(deployments, 'failed', 'canceled'),
    'tasks --status pending,ongoing,failed': () => list(deployments, 'pending', 'ongoing', 'failed'),
    'tasks --status succeeded,failed': () => list(deployments, 'succeeded', 'failed'),
    'tasks --table imports --status failed': () => list(imports, 'failed'),
    'tasks show, the row': () => queue.find(deployments.table, old),
    'tasks show, the runs': () => records.runs(deployments.table, old),
    'audit --task': () => audit({ table: 'deployments', taskId: old }),
    audit: () => audit({}),
    'audit --table deployments': () => audit({ table: 'deployments' }),
    'audit --table imports': () => audit({ table: 'imports' }),
    'audit --table none': () => audit({ table: 'none' }),
    'audit -f, a page': () => audit({ after: old, limit: 1000 }),
    'audit -f --table imports, a page': () => audit({ table: 'imports', after: old, limit: 1000 }),
    'audit -f, nothing new': () => audit({ after: 3 * finished + 20_000 }),
    'tasks why, tasks ahead': () => records.ahead({ queued: deployments, id: finished + 500 }, [imports]),
    'tasks why, doctor: open runs': () => queue.openRuns(),
    'tasks why, doctor: workers': () => queue.livingWorkers(),
    'doctor: oldest due': () => records.oldestDue(deployments.table),
    'doctor: the database': () => queue.checkDatabase(),
    'doctor, worker start: invariants': () => queue.invariants.find(names, { history: false }),
    'doctor, worker start: guarantees': () => queue.planMigration([], lookUpTables),
    'worker start: schema': () => queue.schemaState(),
    'doctor: task tables': () => records.tables(),
    'claim and settle': async () => {
      const claim = await queue.claim(lookUpTables)
      await queue.settle(claim!.run, { kind: 'succeeded', columns: {} })
    },
  }
}
