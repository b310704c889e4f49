import { formatCount, formatDuration, formatRelativeTime } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { tasksWithoutProcessor } from '../project/required-processors.ts'
import { type Check, failed, passed } from '../queue/check.ts'
import type { LivingWorker, QueuedTable } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'

const NAME = 'waiting tasks'

/**
 * Checks whether tasks wait without an end: in a table without a processor, without a worker that claims them, or for longer
 * than a limit.
 *
 * @param options.maxWait milliseconds
 */
export async function checkWaiting(
  project: Project,
  { now, maxWait }: { now: Date; maxWait: number },
): Promise<Check[]> {
  if (!(await isMigrated(project))) return []
  const { ready } = await project.processors()
  const workers = await project.queue.livingWorkers()
  const orphaned = (await tasksWithoutProcessor(project)).map((problem) => failed(NAME, problem))
  const waiting: Check[] = []
  for (const { queued } of ready) {
    if ((await missingColumns(project.queue.records, queued.table))?.length !== 0) continue
    const check = await checkTable(project, queued, workers, { now, maxWait })
    if (check) waiting.push(check)
  }
  const found = [...orphaned, ...waiting]
  return found.length > 0
    ? found
    : [passed(NAME, `none without a worker, or due for more than ${formatDuration(maxWait)}`)]
}

async function checkTable(
  { queue }: Project,
  { table, processor }: QueuedTable,
  workers: readonly LivingWorker[],
  { now, maxWait }: { now: Date; maxWait: number },
): Promise<Check | undefined> {
  const oldest = await queue.records.oldestDue(table)
  if (!oldest) return undefined
  const waited = now.getTime() - oldest.since.getTime()
  const task = `${processor} ${oldest.id}`
  const since = `${task} has been due for ${formatDuration(Math.max(0, waited))}`
  const problem = { severity: 'error', where: processor } as const
  if (workers.length === 0) {
    const message = `${since}, and no worker is running`
    return failed(NAME, { ...problem, code: 'NO_WORKER', message, suggestions: ['ops worker', 'ops start-services'] })
  }
  if (!workers.some(({ tables }) => tables?.includes(table.name) ?? true)) {
    const message = `${since}, and no running worker runs ${processor} tasks`
    const suggestions = [`ops worker --only ${processor}`, `ops tasks why ${task}`]
    return failed(NAME, { ...problem, code: 'TASKS_NOT_CLAIMED', message, suggestions })
  }
  if (waited <= maxWait) return undefined
  const message = `${since} (limit ${formatDuration(maxWait)})`
  return failed(NAME, { ...problem, code: 'TASKS_WAITING', message, suggestions: [`ops tasks why ${task}`] })
}

/** Checks whether the schedules add their tasks. */
export async function checkSchedules(project: Project, now: Date): Promise<Check[]> {
  const schedules = await project.schedules()
  if (schedules.length === 0 || !(await isMigrated(project))) return []
  const states = await project.queue.schedules.list()
  const failing = states.filter(({ name, failure }) => failure && schedules.some((schedule) => schedule.name === name))
  if (failing.length === 0) return [passed('schedules', formatCount(schedules.length, 'schedule'))]
  return failing.map(({ name, failure }) =>
    failed('schedules', {
      code: 'SCHEDULE_FAILING',
      severity: 'error',
      where: `schedules.${name}`,
      message: `${name} could not add its task ${formatRelativeTime(failure!.at, now)}: ${failure!.error}`,
      suggestions: ['check its columns ("with") in the configuration', 'ops migrate', 'ops schedules'],
    }),
  )
}

/** Otherwise the database and its migrations are checks of their own. */
async function isMigrated({ queue }: Project): Promise<boolean> {
  return (await queue.exists()) && (await queue.planMigration([], [])).length === 0
}
