import { relative } from 'node:path'
import { formatDuration, formatName, formatRelativeTime, formatShortTime, formatTime, oneLine } from '../format.ts'
import { FOREIGN_WRITER } from '../queue/records.ts'
import { redactValue } from '../redact.ts'
import { ownColumns } from '../task-table/check-task.ts'
import type { TaskHistory } from '../tasks/task-history.ts'
import { AuditTable } from './audit-table.ts'
import { isNarrow, type Screen, styled } from './screen.ts'
import { statusStyle } from './status-style.ts'
import { cutText, Table } from './table.ts'

/** A column may hold a whole document. */
const MAX_VALUE_LENGTH = 400

/** One task with its runs, audit trail and logs. */
export function taskDetails(history: TaskHistory, now: Date, screen: Screen): string {
  const { task, audit } = history
  const title = `${styled(oneLine(task.name), 'bold', screen)} ${styled(oneLine(task.status), statusStyle(task.status), screen)}`
  const parts = [
    ['', [title, fields(history, now, screen)].join('\n')],
    ['runs', runs(history, now, screen)],
    ['audit', audit.length === 0 ? '' : new AuditTable(screen, { isSingleTask: true }).render(audit, now)],
    ['logs', logs(history, screen)],
  ]
  return parts
    .filter(([, text]) => text !== '')
    .map(([name, text]) => (name === '' ? text : `${styled(name!.toUpperCase(), 'bold', screen)}\n${text}`))
    .join('\n\n')
}

function fields({ task }: TaskHistory, now: Date, screen: Screen): string {
  const at = (instant: Date | undefined) => instant && `${formatTime(instant)} (${formatRelativeTime(instant, now)})`
  const hasStarted = task.startedAt !== undefined && task.status !== 'pending'
  const isScheduled = task.status === 'pending' && task.runAt !== undefined && task.runAt > now
  const lines: [string, string | undefined][] = [
    ...ownColumns(task.queued.table).map(({ key, name }): [string, string] => [
      name,
      cutText(
        oneLine(formatValue(redactValue({ [name]: task.row[key] })[name])),
        screen.width === undefined ? Number.POSITIVE_INFINITY : MAX_VALUE_LENGTH,
      ),
    ]),
    ['created', at(task.createdAt)],
    ['not before', isScheduled ? at(task.runAt) : undefined],
    ['started', hasStarted ? at(task.startedAt) : undefined],
    ['finished', task.status === 'ongoing' || task.status === 'pending' ? undefined : at(task.finishedAt)],
    ['progress', progress(task)],
    ['error', task.error],
  ]
  const columns = [
    { title: '', style: () => 'dim' as const },
    { title: '', isFlexible: true },
  ]
  const rows = lines.filter(([, value]) => value !== undefined)
  return new Table(columns, { ...screen, width: undefined }).render(rows, { hasHeader: false })
}

function progress({ status, progress: share, progressNote: note }: TaskHistory['task']): string | undefined {
  if (status !== 'ongoing' || share === undefined) return undefined
  return [`${Math.round(share * 100)} %`, note].filter(Boolean).join(' ')
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (value instanceof Date) return formatTime(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function runs({ runs }: TaskHistory, now: Date, screen: Screen): string {
  if (runs.length === 0) return ''
  const columns = [
    { title: 'attempt', align: 'right' as const },
    { title: 'started' },
    { title: 'took' },
    { title: 'outcome', style: statusStyle },
    { title: 'worker', isFlexible: true },
    { title: 'error', isOptional: true, isFlexible: true },
  ]
  const rows = runs.map(({ attempt, startedAt, endedAt, outcome, workerId, error }) => [
    String(attempt),
    isNarrow(screen) ? formatShortTime(startedAt, now) : formatTime(startedAt),
    `${formatDuration(Math.max(0, (endedAt ?? now).getTime() - startedAt.getTime()))}${endedAt ? '' : ' so far'}`,
    endedAt ? outcome && formatName(outcome) : 'ongoing',
    // ops does not know the name of such a writer.
    workerId === FOREIGN_WRITER ? 'another program (SQL)' : workerId,
    error,
  ])
  return new Table(columns, screen).render(rows)
}

function logs({ logs }: TaskHistory, screen: Screen): string {
  return logs
    .map(({ attempt, file, bytes }) => {
      const name = oneLine(relativePath(file))
      const text =
        bytes === undefined ? `no log of attempt ${attempt}: it printed nothing, or ran on another machine` : name
      return styled(text, bytes === undefined ? 'dim' : undefined, screen)
    })
    .join('\n')
}

/** A path as it would be typed in the working directory. */
function relativePath(file: string): string {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : path
}
