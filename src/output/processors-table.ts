import type { ListedProblem, ListedProcessor, ListedProcessors } from '../project/list-processors.ts'
import { isNarrow, type Screen } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'processor', style: () => 'bold' },
  { title: 'plugin', isFlexible: true },
  { title: 'version' },
  { title: 'source', style: () => 'dim' },
  { title: 'table', isFlexible: true },
  { title: 'priority', align: 'right' },
  { title: 'at once', isFlexible: true, style: (cell) => (cell === 'broken' ? 'red' : undefined) },
]

/** Processors, one a line. */
export function processorsTable(processors: readonly ListedProcessor[], screen: Screen): string {
  if (processors.length === 0) return 'No plugin with a processor is installed.'
  const rows = processors.map((one) => {
    const { name, plugin, version, source, table, priority } = one
    return [name, plugin, version, source, table ?? '–', priority === null ? '–' : String(priority), atOnce(one)]
  })
  // What `ops plugins` says too gives room to what it does not.
  const isShown = ({ title }: TableColumn) => !isNarrow(screen) || (title !== 'version' && title !== 'source')
  const shown = columns.flatMap((column, index) => (isShown(column) ? [index] : []))
  const table = new Table(
    shown.map((index) => columns[index]!),
    screen,
  )
  return table.render(rows.map((row) => shown.map((index) => row[index]!)))
}

/** How many of its tasks run at once, over all workers. */
export function atOnce({ exclusive, exclusiveBy, problem }: ListedProcessor): string {
  if (problem) return 'broken'
  if (exclusiveBy !== null) return `one for each ${exclusiveBy.key}`
  return exclusive ? 'one' : 'any number'
}

/** What is broken, why, and what to do; first an empty line. Nothing when all is well. */
export function problemLines({ processors, problems }: ListedProcessors): string[] {
  const all = [...problems, ...processors.flatMap(({ problem }) => problem ?? [])]
  return all.flatMap((problem) => ['', ...problemText(problem)])
}

export function problemText({ message, suggestions }: ListedProblem): string[] {
  return [message, ...suggestions.map((suggestion) => `  try this: ${suggestion}`)]
}
