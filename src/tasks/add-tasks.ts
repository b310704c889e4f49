import { type InputProblem, InvalidTaskError, TaskTableMissingError } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import { databaseCreatedBy, isServer, migrateProject } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import type { EnqueuedTask, QueuedTable, TaskId } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { inputColumns } from '../task-table/check-task.ts'

/**
 * Adds tasks in one transaction, with the user as the actor.
 *
 * @param onDatabaseCreated called where there was no database yet
 * @throws InvalidTaskError where one references a task that does not exist
 * @throws TaskTableMissingError
 */
export async function addTasks(
  project: Project,
  queued: QueuedTable,
  rows: readonly Record<string, unknown>[],
  { runAt, onDatabaseCreated }: { runAt: Date | undefined; onDatabaseCreated: (database: string) => void },
): Promise<EnqueuedTask[]> {
  const created = await createTable(project, queued)
  if (created !== undefined) onDatabaseCreated(created)
  const problems = await brokenReferences(project, queued, rows)
  if (problems.length > 0) throw new InvalidTaskError(`Invalid ${queued.processor}`, problems)
  return project.queue.enqueue(queued.table, rows, { runAt, actor: actor('enqueue') })
}

/** In development the database is migrated where the table is missing. Returns the database where it created one. */
async function createTable(project: Project, { table, processor }: QueuedTable): Promise<string | undefined> {
  const hasTable = async () => (await missingColumns(project.queue.records, table)) !== undefined
  const mayMigrate = !isServer(process.env)
  if ((!mayMigrate || (await project.queue.exists())) && (await hasTable())) return undefined
  const { steps } = mayMigrate ? await migrateProject(project) : { steps: [] }
  if (!(await hasTable())) throw new TaskTableMissingError(processor, table.name, project.queue.name)
  return databaseCreatedBy(steps)
}

async function brokenReferences(
  { queue }: Project,
  { table }: QueuedTable,
  rows: readonly Record<string, unknown>[],
): Promise<InputProblem[]> {
  const problems: InputProblem[] = []
  for (const { key, type, target } of inputColumns(table)) {
    if (type !== 'reference') continue
    const ids = new Set(rows.map((row) => row[key]).filter((id) => id !== undefined && id !== null))
    for (const id of ids) {
      const found = await queue.find(target!(), id as TaskId)
      if (!found) problems.push({ where: key, message: `no task ${id} in "${target!().name}"` })
    }
  }
  return problems
}
