import { taskTable } from '../../src/task-table/described-table.ts'
import { queued } from '../support/queued.ts'

/** The task tables of these tests, one for each kind of exclusivity, in the order of their priority. */
export const checks = taskTable('checks', (column) => ({ url: column.text(), result: column.json<object>() }))

export const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull(),
  revision: column.text(),
}))

export const deployments = taskTable('deployments', (column) => ({
  environment: column.text(),
  buildId: column.reference(() => builds),
}))

/** Shares its keys with deployments. */
export const rollbacks = taskTable('rollbacks', (column) => ({ environment: column.text() }))

/** Waits for a build and for a check. */
export const releases = taskTable('releases', (column) => ({
  environment: column.text(),
  buildId: column.reference(() => builds),
  checkId: column.reference(() => checks),
}))

/** No two alike wait at once. */
export const syncs = taskTable('syncs', (column) => ({
  environment: column.text(),
  ref: column.text().default('HEAD'),
  note: column.text(),
}))

export const byEnvironment = { kind: 'column', name: 'environment', column: 'environment' } as const

export const queuedChecks = queued(checks, { priority: 1 })
export const queuedBuilds = queued(builds, {
  priority: 10,
  exclusivity: { kind: 'table', key: 'processor:build' },
  timeout: 60_000,
})
export const queuedDeployments = queued(deployments, { priority: 20, exclusivity: byEnvironment })
export const queuedRollbacks = queued(rollbacks, { priority: 30, exclusivity: byEnvironment })

export const queuedReleases = queued(releases, {
  priority: 40,
  exclusivity: byEnvironment,
  after: [
    { column: 'build_id', table: 'builds' },
    { column: 'check_id', table: 'checks' },
  ],
})
export const queuedSyncs = queued(syncs, { priority: 50, unique: ['environment', 'ref'] })

export const allTables = [queuedChecks, queuedBuilds, queuedDeployments, queuedRollbacks, queuedReleases, queuedSyncs]
