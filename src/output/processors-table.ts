import { oneLine } from '../format.ts'
import type { ListedProcessor, ListedProcessors } from '../project/list-processors.ts'
import { formatProblem } from './print-problem.ts'
import { isNarrow, type Screen } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const BROKEN = 'broken'

const columns: readonly TableColumn[] = [
  { title: 'processor', style: () => 'bold' },
  { title: 'plugin', isFlexible: true },
  { title: 'version' },
  { title: 'source', style: () => 'dim' },
  { title: 'table', isFlexible: true },
  { title: 'priority', align: 'right' },
  { title: 'at once', isFlexible: true, style: (cell) => (cell === BROKEN ? 'red' : undefined) },
]

/** One processor a line, and below the table every problem. */
export function processorsTable(
  { processors, problems, disabled, replaced }: ListedProcessors,
  screen: Screen,
): string {
  const all = [...problems, ...processors.flatMap(({ problem }) => problem ?? [])]
  const hint = `Not enabled: ${disabled.join(', ')}. Enable what you need: plugins: { ${disabled[0]}: {} }`
  return [
    table(processors, screen),
    ...all.map((problem) => formatProblem(problem, screen)),
    ...replaced.map(({ processor, plugin }) => oneLine(`"${processor}" is that of ${plugin}, not the bundled one.`)),
    ...(disabled.length > 0 ? [hint] : []),
  ].join('\n\n')
}

function table(processors: readonly ListedProcessor[], screen: Screen): string {
  if (processors.length === 0) return 'No processor is enabled.'
  const rows = processors.map((one) => {
    const { name, plugin, version, source, table, priority } = one
    return [name, plugin, version, source, table ?? '–', priority === null ? '–' : String(priority), concurrency(one)]
  })
  // `ops plugins` shows the version and source too.
  const isShown = ({ title }: TableColumn) => !isNarrow(screen) || (title !== 'version' && title !== 'source')
  const shown = columns.flatMap((column, index) => (isShown(column) ? [index] : []))
  const shownColumns = shown.map((index) => columns[index]!)
  return new Table(shownColumns, screen).render(rows.map((row) => shown.map((index) => row[index]!)))
}

/** How many of its tasks run at once, across all workers. */
export function concurrency({ exclusive, exclusiveBy, state }: ListedProcessor): string {
  if (state !== 'ready') return BROKEN
  if (exclusiveBy !== null) return `one for each ${exclusiveBy.key}`
  return exclusive ? 'one' : 'any number'
}
