import { TaskError } from '@ops-cli/core'
import type { ExportColumns } from './export.ts'
import type { ImportColumns } from './import.ts'
import { didYouMean } from './nearest.ts'
import type { Table, TableColumn } from './table.ts'

/** A field of the file, and the column that it goes into. */
export interface PlannedColumn {
  /** Where it is among the fields. */
  readonly index: number
  readonly column: TableColumn
}

/**
 * Decides which field goes into which column, before any row is read.
 *
 * @param names the fields of the file
 * @param wish the task's `columns`: a name that it does not mention is that of a column
 * @throws TaskError with everything that does not fit
 */
export function planImport(
  names: readonly string[],
  wish: ImportColumns | null,
  table: Table,
  file: string,
): { readonly columns: readonly PlannedColumn[]; readonly ignored: readonly string[] } {
  const mapping: Readonly<Record<string, string | null>> =
    wish && !isList(wish)
      ? wish
      : Object.fromEntries(isList(wish) ? wish.map((name, index) => [names[index], name]) : [])
  const problems: string[] = []
  for (const name of Object.keys(mapping))
    if (!names.includes(name))
      problems.push(`"columns" names "${name}", which ${file} does not have${didYouMean(name, names)}`)
  const ignored: string[] = []
  const columns = names.flatMap((name, index) => {
    const target = name in mapping ? mapping[name] : name
    if (target === null) return []
    const column = table.columns.find((column) => column.name === target)
    if (!column) problems.push(noColumn(name, target!, table))
    else if (column.isGenerated) ignored.push(name)
    else return [{ index, column }]
    return []
  })
  problems.push(...doubles(columns.map(({ column }) => column.name)).map((name) => `several fields go into "${name}"`))
  const isGiven = (name: string) => columns.some(({ column }) => column.name === name)
  const missing = table.columns.filter(
    ({ name, isNotNull, hasDefault, isGenerated }) => isNotNull && !hasDefault && !isGenerated && !isGiven(name),
  )
  problems.push(...missing.map(({ name }) => `"${table.name}" needs "${name}", which ${file} does not have`))
  if (columns.length === 0 && problems.length === 0) problems.push(`no field of ${file} goes into "${table.name}"`)
  refuse(problems)
  return { columns, ignored }
}

/** @throws TaskError with everything that does not fit */
export function planExport(wish: ExportColumns | null, table: Table): { name: string; column: TableColumn }[] {
  const wanted: [name: string, column: string][] =
    wish === null
      ? table.columns.map(({ name }) => [name, name])
      : isList(wish)
        ? wish.flatMap((one) => (typeof one === 'string' ? [[one, one]] : Object.entries(one)))
        : inOrderOf(table, Object.entries(wish))
  const problems = doubles(wanted.map(([name]) => name)).map((name) => `"columns" names "${name}" twice`)
  if (wanted.length === 0) problems.push('"columns" is empty')
  const columns = wanted.flatMap(([name, of]) => {
    const column = table.columns.find((column) => column.name === of)
    if (!column) problems.push(noColumn(of, of, table))
    return column ? [{ name, column }] : []
  })
  refuse(problems)
  return columns
}

/** An object has no order that both databases keep. */
function inOrderOf({ columns }: Table, wanted: [name: string, column: string][]): [name: string, column: string][] {
  const place = (column: string) => columns.findIndex(({ name }) => name === column)
  return wanted.sort(([a, of], [b, from]) => place(of) - place(from) || (a < b ? -1 : 1))
}

function isList<T>(wish: readonly T[] | object | null): wish is readonly T[] {
  return Array.isArray(wish)
}

function noColumn(name: string, target: string, table: Table): string {
  const known = table.columns.map(({ name }) => name)
  const meant = didYouMean(target, known) || `, which has ${known.join(', ')}`
  const from = name === target ? '' : ` (for "${name}")`
  return `"${target}"${from} is no column of "${table.name}"${meant}`
}

function doubles(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new TaskError(problems.join('; '), { isFinal: true })
}
