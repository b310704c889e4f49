import type { ComparedField } from '../doctor/service-parity.ts'
import { formatCount } from '../format.ts'
import type { Check } from '../queue/check.ts'
import { isNarrow, type Screen, type Style, styled } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const styles: Readonly<Record<string, Style>> = { ok: 'green', warning: 'yellow', problem: 'red', skipped: 'dim' }
const arrow = '→ '

const checkColumns: readonly TableColumn[] = [
  { title: '', style: (status) => styles[status] },
  { title: '', style: () => 'bold' },
  { title: '', isFlexible: true, isWrapped: true, style: (cell) => (cell.startsWith(arrow) ? 'cyan' : undefined) },
]

/** One check a line, with the rest of a list and each suggestion on lines of their own below it. */
export function formatChecks(checks: readonly Check[], screen: Screen): string {
  const rows = checks.flatMap((check) => {
    const { name, found, problem } = check
    const [first, ...list] = found.split('\n')
    const suggestions = (problem?.suggestions ?? []).map((suggestion) => `${arrow}${suggestion}`)
    return [[statusOf(check), name, first], ...[...list, ...suggestions].map((line) => ['', '', line])]
  })
  const table = new Table(checkColumns, screen).render(rows, { hasHeader: false })
  return `${table}\n\n${styled(summary(checks), 'bold', screen)}`
}

function statusOf({ status, problem }: Check): string {
  return status === 'problem' && problem?.severity === 'warning' ? 'warning' : status
}

function summary(checks: readonly Check[]): string {
  const count = (status: string) => checks.filter((check) => statusOf(check) === status).length
  const [problems, warnings] = [count('problem'), count('warning')]
  if (problems + warnings === 0) return 'No problems found.'
  return `${formatCount(problems, 'problem')}, ${formatCount(warnings, 'warning')}.`
}

const parityColumns: readonly TableColumn[] = [
  { title: 'field', style: () => 'bold' },
  { title: 'used by', isOptional: true, isFlexible: true, isWrapped: true, style: () => 'cyan' },
  { title: 'in development', isFlexible: true, isWrapped: true },
  { title: 'by systemd', isFlexible: true, isWrapped: true },
]

/** The fields of a service, one a line, and how each side supports them. */
export function formatParity(fields: readonly ComparedField[], screen: Screen): string {
  const hasNames = !isNarrow(screen)
  const rows = fields.map(({ field, services, development, systemd }) => {
    const [mark, names] = hasNames || services.length === 0 ? ['', services.join(', ')] : [' *', '']
    return [`${field}${mark}`, names, development, systemd]
  })
  const isMarked = !hasNames && fields.some(({ services }) => services.length > 0)
  return `${new Table(parityColumns, screen).render(rows)}${isMarked ? '\n\n* used by this project' : ''}`
}
