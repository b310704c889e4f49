import { formatName, formatShortTime, formatTime } from '../format.ts'
import type { AuditEntry } from '../queue/records.ts'
import type { NamedEntry } from '../tasks/read-audit.ts'
import { isNarrow, type Screen } from './screen.ts'
import { statusStyle } from './status-style.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'time', style: () => 'dim' },
  { title: 'task' },
  { title: 'event', style: statusStyle },
  { title: 'status' },
  { title: 'by', isFlexible: true },
  { title: 'detail', isFlexible: true },
]

/** The table of an audit trail; later entries are aligned with earlier ones. */
export class AuditTable {
  readonly #table: Table
  readonly #isShort: boolean
  readonly #isSingleTask: boolean
  #hasHeader = true

  constructor(screen: Screen, { isSingleTask = false } = {}) {
    this.#isSingleTask = isSingleTask
    this.#isShort = isNarrow(screen)
    this.#table = new Table(isSingleTask ? columns.filter(({ title }) => title !== 'task') : columns, screen)
  }

  render(entries: readonly (AuditEntry & Partial<NamedEntry>)[], now: Date): string {
    const rows = entries.map((entry) => [
      this.#isShort ? formatShortTime(entry.at, now) : formatTime(entry.at),
      ...(this.#isSingleTask ? [] : [entry.task]),
      formatName(entry.event),
      formatTransition(this.#isShort ? { ...entry, fromStatus: undefined } : entry),
      entry.actor,
      formatDetail(entry),
    ])
    const text = this.#table.render(rows, { hasHeader: this.#hasHeader })
    this.#hasHeader = false
    return text
  }
}

function formatTransition({ fromStatus, toStatus }: AuditEntry): string {
  if (toStatus === undefined) return fromStatus === undefined ? '' : `${fromStatus} →`
  return fromStatus === undefined ? `→ ${toStatus}` : `${fromStatus} → ${toStatus}`
}

/** What an entry has beyond its columns. */
export function formatDetail({ event, detail }: Pick<AuditEntry, 'event' | 'detail'>): string {
  if (detail === undefined || detail === null) return ''
  if (typeof detail !== 'object') return String(detail)
  const { progress, note, key, reason, worker, outcome, error, ...rest } = detail as Record<string, unknown>
  if (typeof progress === 'number') return [`${Math.round(progress * 100)} %`, note].filter(Boolean).join(' ')
  if (key !== undefined) return [key, reason].filter(Boolean).join(': ')
  if (event === 'recovered') return `worker ${worker} died: ${formatName(String(outcome))}`
  // Most errors name the outcome: "timed out after 10m".
  if (error !== undefined && error !== null) return String(error)
  const named = typeof outcome === 'string' ? formatName(outcome) : outcome
  const others = Object.entries({ worker, outcome: named, ...rest }).filter(([, value]) => value !== undefined)
  return others
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}
