import { setTimeout as delay } from 'node:timers/promises'
import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import type { AuditEntry, AuditFilter } from '../queue/records.ts'
import { findTable, parseTaskId } from './find-task.ts'
import { needDatabase } from './need-database.ts'

const LOOK_EVERY_MS = 500

/** So many entries are read at once while they are followed. */
const BATCH = 1000

export interface NamedEntry extends AuditEntry {
  /** `build 42`. */
  readonly task: string | undefined
}

/**
 * What the filter means.
 *
 * @param table a processor, or its table
 * @param task `build 42`; it may have been deleted meanwhile
 * @throws UnknownProcessorError, InvalidTaskIdError
 */
export async function auditSubject(
  project: Project,
  { table, task }: { table: string | undefined; task: readonly [processor: string, id: string] | undefined },
): Promise<Pick<AuditFilter, 'table' | 'taskId'>> {
  const name = task?.[0] ?? table
  if (name === undefined) return {}
  const queued = await findTable(project, name)
  return { table: queued.table.name, ...(task === undefined ? {} : { taskId: parseTaskId(queued, task[1]) }) }
}

/** The newest entries of the audit trail, the oldest of them first. */
export async function readAudit(project: Project, filter: AuditFilter): Promise<NamedEntry[]> {
  return (await auditReader(project))(filter)
}

/** The same, and then what comes, for as long as anybody asks. */
export async function* followAudit(project: Project, filter: AuditFilter): AsyncGenerator<readonly NamedEntry[]> {
  const read = await auditReader(project)
  let entries = await read(filter)
  let after = 0
  for (;;) {
    if (entries.length > 0) yield entries
    after = entries.at(-1)?.id ?? after
    if (entries.length < BATCH) await delay(LOOK_EVERY_MS)
    entries = await read({ ...filter, after, limit: BATCH })
  }
}

async function auditReader(project: Project): Promise<(filter: AuditFilter) => Promise<NamedEntry[]>> {
  await needDatabase(project)
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
