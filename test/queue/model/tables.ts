import type { QueuedTable } from '../../../src/queue/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import type { TaskTable } from '../../../src/task-table/task-table.ts'
import { queued } from '../../support/queued.ts'

/** Tables that cover every rule of a processor, with keys that several of them share. */
const checks = taskTable('checks', (column) => ({ url: column.text() }))

const builds = taskTable('builds', (column) => ({ repository: column.text().notNull(), revision: column.text() }))

const deployments = taskTable('deployments', (column) => ({
  environment: column.text(),
  buildId: column.reference(() => builds),
}))

const releases = taskTable('releases', (column) => ({
  environment: column.text(),
  deploymentId: column.reference(() => deployments),
  checkId: column.reference(() => checks),
}))

/** Tasks that wait for tasks of the same table. */
const steps: TaskTable = taskTable('steps', (column) => ({ previousId: column.reference((): TaskTable => steps) }))

const syncs = taskTable('syncs', (column) => ({ environment: column.text(), ref: column.text().default('HEAD') }))

const byEnvironment = { kind: 'column', name: 'environment', column: 'environment' } as const
const hour = 3_600_000

export const modelTables: readonly QueuedTable[] = [
  queued(checks, { priority: 1 }),
  queued(builds, {
    priority: 10,
    exclusivity: { kind: 'table', key: 'processor:build' },
    timeout: hour / 2,
    retryRules: {
      retry: { attempts: 3, delay: hour, factor: 2, maxDelay: 3 * hour },
      onCrash: 'retry',
      onInterrupt: 'retry',
    },
  }),
  queued(deployments, {
    priority: 20,
    exclusivity: byEnvironment,
    after: [{ column: 'build_id', table: 'builds' }],
  }),
  queued(releases, {
    priority: 30,
    exclusivity: byEnvironment,
    after: [
      { column: 'deployment_id', table: 'deployments' },
      { column: 'check_id', table: 'checks' },
    ],
    retryRules: { retry: undefined, onCrash: 'retry', onInterrupt: 'fail' },
  }),
  queued(steps, { priority: 40, after: [{ column: 'previous_id', table: 'steps' }] }),
  queued(syncs, { priority: 50, exclusivity: byEnvironment, unique: ['environment', 'ref'] }),
]

/** The keys that can be put on hold. */
export const holdKeys: readonly string[] = [
  'environment:a',
  'environment:b',
  ...modelTables.map(({ processor }) => `processor:${processor}`),
]
