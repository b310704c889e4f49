import { type Problem, toProblem } from '../errors.ts'
import { missingTables } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import { tasksWithoutProcessor } from '../project/required-processors.ts'
import { missingColumns } from '../queue/table-columns.ts'
import type { Status } from '../task/lifecycle.ts'
import { findNamedTable, requireDatabase, requireTaskTable, type Task, toTask } from './find-task.ts'

export interface TaskFilter {
  /** The processor, or its table; all when undefined. */
  readonly table: string | undefined
  /** All when empty. */
  readonly statuses: readonly Status[]
  readonly limit: number
}

export interface TaskList {
  readonly tasks: readonly Task[]
  /** Whether there are more tasks than the limit. */
  readonly isCut: boolean
  /** Why tasks of some processors are not listed. */
  readonly problems: readonly Problem[]
}

/** The tasks of one processor or of all, the newest first. */
export async function listTasks(project: Project, { table, statuses, limit }: TaskFilter): Promise<TaskList> {
  const problems: Problem[] = []
  const tables = table === undefined ? await existingTables(project, problems) : [await findNamedTable(project, table)]
  if (table !== undefined) await requireTaskTable(project, tables[0]!)
  const found: Task[] = []
  for (const queued of tables) {
    const rows = await project.queue.records.tasks(queued.table, { statuses, limit: limit + 1 })
    found.push(...rows.map((row) => toTask(queued, row)))
  }
  found.sort(newestFirst)
  return { tasks: found.slice(0, limit), isCut: found.length > limit, problems }
}

async function existingTables(project: Project, problems: Problem[]) {
  await requireDatabase(project)
  const { ready, failed } = await project.processors()
  problems.push(...failed.map(({ declared, error }) => toProblem(error, declared.name)))
  const missing = await missingTables(project, ready)
  const tables = []
  for (const { queued } of ready) {
    const { processor, table } = queued
    if (await missingColumns(project.queue.records, table)) tables.push(queued)
    else problems.push(missing.get(processor) ?? missingTable(processor, table.name))
  }
  problems.push(...(await tasksWithoutProcessor(project)))
  return tables
}

function missingTable(processor: string, table: string): Problem {
  const message = `The table "${table}" of the processor "${processor}" does not exist yet.`
  return { code: 'TASK_TABLE_MISSING', severity: 'warning', where: table, message, suggestions: ['ops migrate'] }
}

function newestFirst(a: Task, b: Task): number {
  const apart = (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0)
  if (apart !== 0) return apart
  if (typeof a.id === 'number' && typeof b.id === 'number') return b.id - a.id
  return String(b.id).localeCompare(String(a.id))
}
