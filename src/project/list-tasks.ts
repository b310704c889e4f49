import type { Status } from '../task/lifecycle.ts'
import { findTable, needTaskTable, type Task, toTask } from './find-task.ts'
import { needDatabase } from './need-database.ts'
import type { Project } from './open-project.ts'

export interface TaskFilter {
  /** The processor, or its table; all when undefined. */
  readonly table: string | undefined
  /** All when empty. */
  readonly statuses: readonly Status[]
  readonly limit: number
}

export interface TaskList {
  readonly tasks: readonly Task[]
  /** Whether there are more than the limit let through. */
  readonly isCut: boolean
  /** What was passed over, and why. */
  readonly problems: readonly string[]
}

/** The tasks of one processor or of all, the newest first. */
export async function listTasks(project: Project, { table, statuses, limit }: TaskFilter): Promise<TaskList> {
  const problems: string[] = []
  const tables = table === undefined ? await tablesThere(project, problems) : [await findTable(project, table)]
  if (table !== undefined) await needTaskTable(project, tables[0]!)
  const found: Task[] = []
  for (const queued of tables) {
    const rows = await project.queue.records.tasks(queued.table, { statuses, limit: limit + 1 })
    found.push(...rows.map((row) => toTask(queued, row)))
  }
  found.sort(newestFirst)
  return { tasks: found.slice(0, limit), isCut: found.length > limit, problems }
}

async function tablesThere(project: Project, problems: string[]) {
  await needDatabase(project)
  const { ready, errors } = await project.processors()
  problems.push(...errors.map(({ message }) => message))
  const tables = []
  for (const { queued } of ready) {
    if (await project.queue.missingColumns(queued.table)) tables.push(queued)
    else problems.push(`The table "${queued.table.name}" of "${queued.processor}" does not exist yet; run ops migrate.`)
  }
  return tables
}

function newestFirst(a: Task, b: Task): number {
  const apart = (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0)
  if (apart !== 0) return apart
  if (typeof a.id === 'number' && typeof b.id === 'number') return b.id - a.id
  return String(b.id).localeCompare(String(a.id))
}
