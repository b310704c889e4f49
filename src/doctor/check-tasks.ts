import { formatCount, formatRelativeTime } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed } from '../queue/check.ts'

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
