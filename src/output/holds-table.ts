import { formatRelativeTime, formatTime } from '../format.ts'
import type { Hold } from '../queue/holds.ts'
import type { Screen } from './screen.ts'
import { Table } from './table.ts'

/** Keys that are on hold, one a line. */
export function holdsTable(holds: readonly Hold[], now: Date, screen: Screen): string {
  const columns = [
    { title: 'key' },
    { title: 'since' },
    { title: 'by', isFlexible: true },
    { title: 'reason', isOptional: true, isFlexible: true },
  ]
  const rows = holds.map(({ key, heldAt, actor, reason }) => [
    key,
    `${formatTime(heldAt)} (${formatRelativeTime(heldAt, now)})`,
    actor,
    reason,
  ])
  return new Table(columns, screen).render(rows)
}
