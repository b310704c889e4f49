import { join } from 'node:path'
import { formatCount } from '../format.ts'
import type { Plugin } from '../processor/processor-registry.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { createdTables } from '../task-table/create-table.ts'
import { taskTable } from '../task-table/described-table.ts'
import type { Project } from './open-project.ts'

/** At most this many are counted: one is enough to need a processor. */
const MAX_COUNT = 100

export interface PendingTasks {
  readonly table: string
  /** 100 means 100 or more. */
  readonly count: number
}

/**
 * Pending tasks in tables that have no processor.
 *
 * @param tables default: all that ever had a processor
 */
export async function orphanedTasks(project: Project, tables?: Iterable<string>): Promise<PendingTasks[]> {
  const orphaned = await orphanedTables(project, tables ?? (await project.queue.records.tables()))
  const counted = await Promise.all(
    orphaned.map(async (table) => ({ table, count: await countPending(project, table) })),
  )
  return counted.filter(({ count }) => count > 0)
}

/** Those of the tables that have no processor. */
export async function orphanedTables(project: Project, tables: Iterable<string>): Promise<string[]> {
  const { ready } = await project.processors()
  const taken = new Set(ready.map(({ queued }) => queued.table.name))
  return [...tables].filter((table) => !taken.has(table))
}

/** The task tables of a plugin that may be broken: those in its migrations, and those it had when it was installed. */
export function tablesOfPlugin({ root, manifest, tables = [] }: Plugin): Set<string> {
  const { migrations } = (manifest.ops ?? {}) as { migrations?: unknown }
  return new Set([...tables, ...(typeof migrations === 'string' ? createdTables(join(root, migrations)) : [])])
}

/** `2 pending tasks in "notes"`. */
export function formatPending({ table, count }: PendingTasks): string {
  const number = count === MAX_COUNT ? `${MAX_COUNT} or more pending tasks` : formatCount(count, 'pending task')
  return `${number} in "${table}"`
}

async function countPending({ queue }: Project, name: string): Promise<number> {
  const table = taskTable(name, () => ({}))
  const missing = await missingColumns(queue.records, table)
  if (missing === undefined || missing.length > 0) return 0
  return (await queue.records.tasks(table, { statuses: ['pending'], limit: MAX_COUNT })).length
}
