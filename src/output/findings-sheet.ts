import type { Finding } from '../queue/finding.ts'
import { type Screen, type Style, styled } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const styles: Readonly<Record<string, Style>> = { ok: 'green', warning: 'yellow', problem: 'red', skipped: 'dim' }
const arrow = '→ '

const columns: readonly TableColumn[] = [
  { title: '', style: (status) => styles[status] },
  { title: '', style: () => 'bold' },
  { title: '', isFlexible: true, isWrapped: true, style: (cell) => (cell.startsWith(arrow) ? 'cyan' : undefined) },
]

/** What was looked at and found, one a line; what to do stands below it, and in a pipe behind it. */
export function findingsSheet(findings: readonly Finding[], screen: Screen): string {
  const rows = findings.flatMap(({ status, name, found, remedy }) => {
    if (remedy === undefined) return [[status, name, found]]
    if (screen.width === undefined) return [[status, name, `${found} ${arrow}${remedy}`]]
    return [
      [status, name, found],
      ['', '', `${arrow}${remedy}`],
    ]
  })
  const sheet = new Table(columns, screen).render(rows, { hasHeader: false })
  return `${sheet}\n\n${styled(summary(findings), 'bold', screen)}`
}

/** Whether there is something to do. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status === 'ok' || status === 'skipped')
}

function summary(findings: readonly Finding[]): string {
  if (isWell(findings)) return 'All is well.'
  const count = (status: Finding['status']) => findings.filter((one) => one.status === status).length
  return `${inWords(count('problem'), 'problem')}, ${inWords(count('warning'), 'warning')}.`
}

function inWords(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`
}
