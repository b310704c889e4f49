import type { Project } from '../project/open-project.ts'
import { taskNames } from '../project/task-names.ts'
import { nextTick } from '../worker/schedule.ts'
import { needDatabase } from './need-database.ts'

export interface ListedSchedule {
  readonly name: string
  readonly cron: string
  /** The machine's unless the schedule says otherwise. */
  readonly timeZone: string
  readonly processor: string
  readonly missed: 'run_once' | 'skip'
  /** Whether a worker has seen it: its ticks count only from then on. */
  readonly isKnown: boolean
  readonly lastTickAt: Date | undefined
  /** `build 42`; undefined when the last tick was passed over. */
  readonly lastTask: string | undefined
  readonly nextTickAt: Date | undefined
}

/** The schedules of the configuration, and what the database knows of them. */
export async function listSchedules(project: Project, now: Date): Promise<ListedSchedule[]> {
  const schedules = await project.schedules()
  if (schedules.length === 0) return []
  await needDatabase(project)
  const states = new Map((await project.queue.schedules.list()).map((state) => [state.name, state]))
  const nameOf = await taskNames(project)
  const machine = Intl.DateTimeFormat().resolvedOptions().timeZone
  return schedules.map(({ name, cron, missed, queued }) => {
    const state = states.get(name)
    return {
      name,
      cron: cron.getPattern() ?? '',
      timeZone: cron.options.timezone ?? machine,
      processor: queued.processor,
      missed,
      isKnown: state !== undefined,
      lastTickAt: state?.lastTickAt,
      lastTask: state?.lastTask && nameOf(state.lastTask.table, state.lastTask.id),
      nextTickAt: nextTick({ cron }, now),
    }
  })
}
