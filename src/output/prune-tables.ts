import { formatBytes, formatCount, formatRelativeTime } from '../format.ts'
import type { PruneSummary } from '../tasks/prune-tasks.ts'
import type { Screen } from './screen.ts'
import { statusStyle } from './status-style.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'table' },
  { title: 'status', style: statusStyle },
  { title: 'tasks', align: 'right' },
  { title: 'oldest' },
  { title: 'newest' },
]

/** What a pruning has done, or would do: tasks by table and status, then files. */
export function formatPruning(summary: PruneSummary, now: Date, screen: Screen): string {
  const { groups, kept, logs, artifacts, archive } = summary
  const rows = groups.map(({ table, status, tasks, oldest, newest }) => [
    table,
    status,
    tasks.toLocaleString('en'),
    formatRelativeTime(oldest, now),
    formatRelativeTime(newest, now),
  ])
  return [
    ...(rows.length > 0 ? [new Table(columns, screen).render(rows)] : ['No tasks.']),
    ...Object.entries(kept).map(
      ([table, count]) => `${table}: ${formatCount(count, 'task')} kept, because others refer to them`,
    ),
    ...(logs.files > 0 ? [`logs: ${formatCount(logs.files, 'file')}, ${formatBytes(logs.bytes)}`] : []),
    ...(artifacts.files > 0
      ? [`artifacts: ${formatCount(artifacts.files, 'file')}, ${formatBytes(artifacts.bytes)}`]
      : []),
    ...(archive === undefined ? [] : [`archive: ${archive}`]),
  ].join('\n')
}

/** `builds: 12,000 tasks`. */
export function formatProgress({ groups }: PruneSummary, table: string): string {
  const own = groups.filter((group) => group.table === table)
  return `${table}: ${formatCount(
    own.reduce((count, { tasks }) => count + tasks, 0),
    'task',
  )}`
}
