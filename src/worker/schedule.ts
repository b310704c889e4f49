import { Cron } from 'croner'
import type { QueuedTable } from '../queue/queue.ts'

/** Workers may look a little late, and a machine may be busy; what is later than this was missed. */
export const MISSED_AFTER_MS = 60_000

/** A task that is added at the times of a cron expression. */
export interface Schedule {
  readonly name: string
  readonly cron: Cron
  /** What happens to ticks for which no worker was there. */
  readonly missed: 'run_once' | 'skip'
  /** Changes exactly when the times of the schedule change. */
  readonly definition: string
  readonly queued: QueuedTable
  readonly row: Readonly<Record<string, unknown>>
}

/** @throws Error when the expression or the time zone is wrong */
export function parseCron(pattern: string, timeZone: string | undefined): Cron {
  const cron = new Cron(pattern, { paused: true, ...(timeZone === undefined ? {} : { timezone: timeZone }) })
  // An unknown time zone is noticed only when a time is asked for.
  cron.nextRun()
  return cron
}

export function nextTick({ cron }: Pick<Schedule, 'cron'>, after: Date): Date | undefined {
  return cron.nextRun(after) ?? undefined
}

/** A tick that is to be dealt with now. Of several that were missed only the last one counts. */
export interface DueTick {
  readonly at: Date
  /** Whether its task is added; a tick that is passed over is noted, so that nobody comes back to it. */
  readonly isRun: boolean
}

/** @param since the last tick that was dealt with, or the instant from which ticks count */
export function dueTick(
  { cron, missed }: Pick<Schedule, 'cron' | 'missed'>,
  since: Date,
  now: Date,
): DueTick | undefined {
  // The tick of this very millisecond counts too.
  const [at] = cron.previousRuns(1, new Date(now.getTime() + 1))
  if (!at || at <= since) return undefined
  return { at, isRun: missed === 'run_once' || now.getTime() - at.getTime() < MISSED_AFTER_MS }
}
