import { taskTable } from '../task-table/described-table.ts'
import type { Project } from './open-project.ts'

/** So many are counted at most: one is enough to need a processor. */
const COUNTED = 100

export interface PendingTasks {
  readonly table: string
  /** 100 stands for that many or more. */
  readonly count: number
}

/**
 * The pending tasks of tables that no processor takes.
 *
 * @param tables all that ever had a processor when there are none
 */
export async function orphanedTasks(project: Project, tables?: Iterable<string>): Promise<PendingTasks[]> {
  const orphaned = await orphanedTables(project, tables ?? (await project.queue.records.tables()))
  const counted = await Promise.all(
    orphaned.map(async (table) => ({ table, count: await countPending(project, table) })),
  )
  return counted.filter(({ count }) => count > 0)
}

/** Those of some tables that no processor has. */
export async function orphanedTables(project: Project, tables: Iterable<string>): Promise<string[]> {
  const { ready } = await project.processors()
  const taken = new Set(ready.map(({ queued }) => queued.table.name))
  return [...tables].filter((table) => !taken.has(table))
}

/** `2 tasks of "notes" are pending`. */
export function pendingInWords({ table, count }: PendingTasks): string {
  const number = count === COUNTED ? `${COUNTED} tasks or more` : count === 1 ? '1 task' : `${count} tasks`
  return `${number} of "${table}" ${count === 1 ? 'is' : 'are'} pending`
}

async function countPending({ queue }: Project, name: string): Promise<number> {
  const table = taskTable(name, () => ({}))
  const missing = await queue.missingColumns(table)
  if (missing === undefined || missing.length > 0) return 0
  return (await queue.records.tasks(table, { statuses: ['pending'], limit: COUNTED })).length
}
