import { formatName, formatRelativeTime, formatTime } from '../format.ts'
import type { ListedSchedule } from '../tasks/list-schedules.ts'
import { isNarrow, type Screen } from './screen.ts'
import { Table } from './table.ts'

const columns = ['schedule', 'enqueues', 'cron', 'next', 'last', 'time zone', 'missed'].map((title) => ({ title }))

/** Schedules, one a line; times are in the time zone of each schedule. */
export function schedulesTable(schedules: readonly ListedSchedule[], now: Date, screen: Screen): string {
  if (isNarrow(screen)) return schedules.map((schedule) => block(schedule, now)).join('\n')
  const rows = schedules.map((schedule) => {
    const { name, processor, cron, timeZone, missed } = schedule
    return [name, processor, cron, next(schedule, now), last(schedule, now), timeZone, formatName(missed)]
  })
  return new Table(columns, screen).render(rows)
}

/** A row with two times is too wide for a narrow screen. */
function block(schedule: ListedSchedule, now: Date): string {
  const { name, processor, cron, timeZone, missed } = schedule
  return [
    `${name}: ${processor} at "${cron}" (${timeZone}), missed: ${formatName(missed)}`,
    `  next: ${next(schedule, now)}`,
    `  last: ${last(schedule, now)}`,
  ].join('\n')
}

function next({ nextTickAt, timeZone }: ListedSchedule, now: Date): string {
  return nextTickAt ? time(nextTickAt, timeZone, now) : 'never'
}

function last({ isKnown, lastTickAt, lastTask, timeZone, failure }: ListedSchedule, now: Date): string {
  if (!isKnown) return 'not seen by a worker yet'
  if (failure) return `failed ${formatRelativeTime(failure.at, now)}: ${failure.error}`
  if (lastTickAt === undefined) return 'never'
  return `${lastTask ?? 'skipped'}, ${time(lastTickAt, timeZone, now)}`
}

function time(at: Date, timeZone: string, now: Date): string {
  // Seconds matter to few cron expressions.
  return `${formatTime(at, timeZone).replace(/:00$/, '')} (${formatRelativeTime(at, now)})`
}
