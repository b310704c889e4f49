import { formatBytes, formatCount, formatTime } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, passed } from '../queue/check.ts'

const DAY = 86_400_000

/** How large the database and its history are, and how fast they grow where nothing is ever pruned. */
export async function checkHistory(project: Project, now: Date): Promise<Check[]> {
  const { queue } = project
  if (!(await queue.exists()) || (await queue.planMigration([], [])).length > 0) return []
  const retention = project.retention()
  const { databaseBytes, freeBytes = 0, historyBytes, entries, firstAt } = await queue.history.size()
  const free = freeBytes > 0 ? `, ${formatBytes(freeBytes)} of it free` : ''
  const size = `${formatBytes(databaseBytes)}${free}`
  const bytes = historyBytes === undefined ? '' : `, ${formatBytes(historyBytes)}`
  const history =
    firstAt && `${formatCount(entries, 'audit entry', 'audit entries')} since ${formatTime(firstAt)}${bytes}`
  const days = firstAt ? (now.getTime() - firstAt.getTime()) / DAY : 0
  // Of a shorter time it would say little.
  const growth = days >= 1 ? `, growing ${formatBytes((databaseBytes - freeBytes) / days)} a day` : ''
  const kept = retention ? '' : `${growth}; nothing is pruned (no "retention" in the configuration)`
  return [passed('history', [`database ${size}`, history].filter(Boolean).join('; ') + kept)]
}
