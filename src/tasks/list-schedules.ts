import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import { nextTick } from '../worker/schedule.ts'
import { requireDatabase } from './find-task.ts'

export interface ListedSchedule {
  readonly name: string
  readonly cron: string
  /** That of the machine by default. */
  readonly timeZone: string
  readonly processor: string
  readonly missed: 'run_once' | 'skip'
  /** Whether a worker has seen it: only from then on do its ticks count. */
  readonly isKnown: boolean
  readonly lastTickAt: Date | undefined
  /** `build 42`; undefined where the last tick was skipped. */
  readonly lastTask: string | undefined
  readonly nextTickAt: Date | undefined
  /** Why the task of the latest tick could not be added. */
  readonly failure: { readonly error: string; readonly at: Date } | undefined
}

/** The schedules of the configuration with their state in the database. */
export async function listSchedules(project: Project, now: Date): Promise<ListedSchedule[]> {
  const schedules = await project.schedules()
  if (schedules.length === 0) return []
  await requireDatabase(project)
  const states = new Map((await project.queue.schedules.list()).map((state) => [state.name, state]))
  const nameOf = await taskNames(project)
  const machineZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return schedules.map(({ name, cron, missed, queued }) => {
    const state = states.get(name)
    return {
      name,
      cron: cron.getPattern() ?? '',
      timeZone: cron.options.timezone ?? machineZone,
      processor: queued.processor,
      missed,
      isKnown: state !== undefined,
      lastTickAt: state?.lastTickAt,
      lastTask: state?.lastTask && nameOf(state.lastTask.table, state.lastTask.id),
      nextTickAt: nextTick({ cron }, now),
      failure: state?.failure,
    }
  })
}
