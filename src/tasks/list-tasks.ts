import { type Problem, toProblem } from '../errors.ts'
import { missingTables } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import { tasksWithoutProcessor } from '../project/required-processors.ts'
import type { Status } from '../task/lifecycle.ts'
import { findTable, needTaskTable, type Task, toTask } from './find-task.ts'
import { needDatabase } from './need-database.ts'

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
  readonly problems: readonly Problem[]
}

/** The tasks of one processor or of all, the newest first. */
export async function listTasks(project: Project, { table, statuses, limit }: TaskFilter): Promise<TaskList> {
  const problems: Problem[] = []
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

async function tablesThere(project: Project, problems: Problem[]) {
  await needDatabase(project)
  const { ready, failed } = await project.processors()
  problems.push(...failed.map(({ declared, error }) => toProblem(error, declared.name)))
  const missing = await missingTables(project, ready)
  const tables = []
  for (const { queued } of ready) {
    const { processor, table } = queued
    if (await project.queue.missingColumns(table)) tables.push(queued)
    else problems.push(missing.get(processor) ?? notMadeYet(processor, table.name))
  }
  problems.push(...(await tasksWithoutProcessor(project)))
  return tables
}

function notMadeYet(processor: string, table: string): Problem {
  const message = `The table "${table}" of "${processor}" does not exist yet; run ops migrate.`
  return { code: 'TASK_TABLE_MISSING', severity: 'warning', where: table, message, suggestions: [] }
}

function newestFirst(a: Task, b: Task): number {
  const apart = (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0)
  if (apart !== 0) return apart
  if (typeof a.id === 'number' && typeof b.id === 'number') return b.id - a.id
  return String(b.id).localeCompare(String(a.id))
}
