import { formatRelativeTime, formatTime } from '../format.ts'
import type { ListedSchedule } from '../tasks/list-schedules.ts'
import { isNarrow, type Screen } from './screen.ts'
import { formatName } from './status-style.ts'
import { Table } from './table.ts'

const columns = ['schedule', 'enqueues', 'cron', 'next', 'last', 'time zone', 'missed'].map((title) => ({ title }))

/** Schedules, one a line; times are those of each schedule's own zone. */
export function schedulesTable(schedules: readonly ListedSchedule[], now: Date, screen: Screen): string {
  if (isNarrow(screen)) return schedules.map((schedule) => block(schedule, now)).join('\n')
  const rows = schedules.map((schedule) => {
    const { name, processor, cron, timeZone, missed } = schedule
    return [name, processor, cron, next(schedule, now), last(schedule, now), timeZone, formatName(missed)]
  })
  return new Table(columns, screen).render(rows)
}

/** Two times a line are too much for a narrow screen. */
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

function last({ isKnown, lastTickAt, lastTask, timeZone }: ListedSchedule, now: Date): string {
  if (!isKnown) return 'no worker has seen it yet'
  if (lastTickAt === undefined) return 'not yet'
  return `${lastTask ?? 'passed over'}, ${time(lastTickAt, timeZone, now)}`
}

function time(at: Date, timeZone: string, now: Date): string {
  // A cron expression may have seconds, and seldom does.
  return `${formatTime(at, timeZone).replace(/:00$/, '')} (${formatRelativeTime(at, now)})`
}
