import { setTimeout as delay } from 'node:timers/promises'
import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import type { AuditEntry, AuditFilter } from '../queue/records.ts'
import { findNamedTable, findTable, findTask, parseTaskId, requireDatabase } from './find-task.ts'

const POLL_INTERVAL_MS = 500

/** Entries that are read at once while the trail is followed. */
const BATCH_SIZE = 1000

export interface NamedEntry extends AuditEntry {
  /** `build 42`. */
  readonly task: string | undefined
}

/**
 * The table and task to filter by.
 *
 * @param table a processor, or its table
 * @param task `build 42`; it may be deleted by now, and only the audit trail knows it
 * @throws OpsError UNKNOWN_TABLE, UNKNOWN_PROCESSOR, INVALID_TASK_ID or TASK_NOT_FOUND
 */
export async function auditFilter(
  project: Project,
  { table, task }: { table: string | undefined; task: readonly [processor: string, id: string] | undefined },
): Promise<Pick<AuditFilter, 'table' | 'taskId'>> {
  if (table !== undefined) return { table: (await findNamedTable(project, table)).table.name }
  if (task === undefined) return {}
  const [processor, text] = task
  const queued = await findTable(project, processor)
  const filter = { table: queued.table.name, taskId: parseTaskId(queued, text) }
  await requireDatabase(project)
  const [entry] = await project.queue.records.audit({ ...filter, limit: 1 })
  // An entry may be missing for a task of an application that has no audit trail yet.
  if (!entry) await findTask(project, processor, text)
  return filter
}

/** The newest entries of the audit trail, the oldest of them first. */
export async function readAudit(project: Project, filter: AuditFilter): Promise<NamedEntry[]> {
  return (await auditReader(project))(filter)
}

/** The same, then new entries as they come, without an end. */
export async function* followAudit(project: Project, filter: AuditFilter): AsyncGenerator<readonly NamedEntry[]> {
  const read = await auditReader(project)
  let entries = await read(filter)
  let after = 0
  let isReplaced = false
  project.queue.onReplaced = () => {
    isReplaced = true
  }
  for (;;) {
    if (entries.length > 0) yield entries
    after = entries.at(-1)?.id ?? after
    if (entries.length < BATCH_SIZE) await delay(POLL_INTERVAL_MS)
    entries = await read({ ...filter, after, limit: BATCH_SIZE })
    // Another database has numbers of its own.
    if (!isReplaced) continue
    isReplaced = false
    after = 0
    entries = await read({ ...filter, after, limit: BATCH_SIZE })
  }
}

async function auditReader(project: Project): Promise<(filter: AuditFilter) => Promise<NamedEntry[]>> {
  await requireDatabase(project)
  const nameOf = await taskNames(project)
  return async (filter) => {
    const entries = await project.queue.records.audit(filter)
    return entries.map(({ taskTable, taskId, ...entry }) => ({
      task: taskTable === undefined || taskId === undefined ? undefined : nameOf(taskTable, taskId),
      taskTable,
      taskId,
      ...entry,
    }))
  }
}
