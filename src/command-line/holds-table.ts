import type { Hold } from '../queue/holds.ts'
import { localTime } from '../terminal/local-time.ts'
import { relativeTime } from '../terminal/relative-time.ts'
import type { Screen } from '../terminal/screen.ts'
import { Table } from '../terminal/table.ts'

/** What people keep back, one key a line. */
export function holdsTable(holds: readonly Hold[], now: Date, screen: Screen): string {
  const columns = [
    { title: 'key' },
    { title: 'since' },
    { title: 'by', isFlexible: true },
    { title: 'reason', isOptional: true, isFlexible: true },
  ]
  const rows = holds.map(({ key, heldAt, actor, reason }) => [
    key,
    `${localTime(heldAt)} (${relativeTime(heldAt, now)})`,
    actor,
    reason,
  ])
  return new Table(columns, screen).render(rows)
}
