import { formatDuration, formatRelativeTime } from '../format.ts'
import type { Task } from '../tasks/find-task.ts'
import type { Screen } from './screen.ts'
import { statusStyle } from './status-style.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'task' },
  { title: 'status', style: statusStyle },
  { title: 'created' },
  { title: 'took', isOptional: true },
  { title: 'attempt', align: 'right', isOptional: true, style: () => 'yellow' },
  { title: 'note', isOptional: true, isFlexible: true },
]

/** Tasks, one a line. */
export function tasksTable(tasks: readonly Task[], now: Date, screen: Screen): string {
  const rows = tasks.map((task) => [
    task.name,
    task.status,
    task.createdAt && formatRelativeTime(task.createdAt, now),
    timing(task, now),
    task.attempt > 1 ? String(task.attempt) : '',
    note(task),
  ])
  return new Table(columns, screen).render(rows)
}

/** How long the run took or is taking, or when it is due. */
function timing({ status, runAt, startedAt, finishedAt }: Task, now: Date): string | undefined {
  switch (status) {
    case 'pending':
      return runAt && runAt > now ? formatRelativeTime(runAt, now) : undefined
    case 'ongoing':
      return startedAt && `${formatDuration(Math.max(0, now.getTime() - startedAt.getTime()))} so far`
    case 'canceled':
      // It may have been canceled while it was pending, long after a run.
      return undefined
    default:
      return startedAt && finishedAt && formatDuration(Math.max(0, finishedAt.getTime() - startedAt.getTime()))
  }
}

function note({ status, error, progress, progressNote }: Task): string | undefined {
  if (status !== 'ongoing') return error
  const share = progress === undefined ? [] : [`${Math.round(progress * 100)} %`]
  return [...share, ...(progressNote === undefined ? [] : [progressNote])].join(' ')
}
