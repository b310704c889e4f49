import type { ServiceStatus } from '../development/service-status.ts'
import { formatRelativeTime } from '../format.ts'
import type { Screen, Style } from './screen.ts'
import { Table } from './table.ts'

const styles: Readonly<Partial<Record<string, Style>>> = {
  ready: 'green',
  running: 'green',
  completed: 'green',
  failed: 'red',
  killed: 'red',
  restarting: 'yellow',
}

/** One row per service. */
export function servicesTable(services: readonly ServiceStatus[], now: Date, screen: Screen): string {
  const columns = [
    { title: 'service' },
    { title: 'state', style: (cell: string) => styles[cell] },
    { title: 'since' },
    { title: 'pid', align: 'right', isOptional: true },
    { title: 'port', align: 'right', isOptional: true },
    { title: 'restarts', align: 'right' },
    { title: 'now', isOptional: true, isFlexible: true },
  ] as const
  const rows = services.map((service) => [
    service.name,
    service.state,
    formatRelativeTime(new Date(service.since), now),
    service.pid?.toString(),
    service.port?.toString(),
    service.restarts.toString(),
    activity(service, now),
  ])
  return new Table(columns, screen).render(rows)
}

function activity({ note, task }: ServiceStatus, now: Date): string | undefined {
  const parts = [
    note ?? [],
    task === null ? [] : `${task.name}, started ${formatRelativeTime(new Date(task.since), now)}`,
  ]
  return parts.flat().join('; ') || undefined
}
