import { TaskError } from '@ops-cli/core'
import type { ExportColumns } from './export.ts'
import type { ImportColumns } from './import.ts'
import { quoteName } from './records.ts'
import { type Conflict, suggest, type Table, type TableColumn } from './table.ts'

/** A field of the file and its column. */
export interface PlannedColumn {
  /** Its position among the fields. */
  readonly index: number
  readonly column: TableColumn
}

/**
 * Decides which field goes into which column, before any row is read.
 *
 * @param names the fields of the file
 * @param requested the task's `columns`; other names are those of columns
 * @throws TaskError with every problem
 */
export function planImport(
  names: readonly string[],
  requested: ImportColumns | null,
  table: Table,
  file: string,
): { readonly columns: readonly PlannedColumn[]; readonly ignored: readonly string[] } {
  const mapping: Readonly<Record<string, string | null>> =
    requested && !isList(requested)
      ? requested
      : Object.fromEntries(isList(requested) ? requested.map((name, index) => [names[index], name]) : [])
  const problems: string[] = []
  for (const name of Object.keys(mapping))
    if (!names.includes(name))
      problems.push(`"columns": "${name}" is not in ${file}; ${suggest(name, names.filter(isName), 'its fields')}`)
  const ignored: string[] = []
  const columns = names.flatMap((name, index) => {
    const target = Object.hasOwn(mapping, name) ? mapping[name] : name
    if (target === null) return []
    const column = table.columns.find((column) => column.name === target)
    if (!column) problems.push(isName(target!) ? noColumn(name, target!, table) : noField(index, table))
    else if (column.isGenerated) ignored.push(name)
    else return [{ index, column }]
    return []
  })
  problems.push(
    ...duplicates(columns.map(({ column }) => column.name)).map((name) => `several fields go into column "${name}"`),
  )
  const isGiven = (name: string) => columns.some(({ column }) => column.name === name)
  const missing = table.columns.filter(
    ({ name, isNotNull, hasDefault, isGenerated }) => isNotNull && !hasDefault && !isGenerated && !isGiven(name),
  )
  problems.push(...missing.map(({ name }) => `"${table.name}" requires "${name}", which is not in ${file}`))
  if (columns.length === 0 && problems.length === 0) problems.push(`no field of ${file} is a column of "${table.name}"`)
  throwProblems(problems)
  return { columns, ignored }
}

/** @throws TaskError with every problem */
export function planExport(requested: ExportColumns | null, table: Table): { name: string; column: TableColumn }[] {
  const wanted: [name: string, column: string][] =
    requested === null
      ? table.columns.map(({ name }) => [name, name])
      : isList(requested)
        ? requested.flatMap((one) => (typeof one === 'string' ? [[one, one]] : Object.entries(one)))
        : inTableOrder(table, Object.entries(requested))
  const problems = duplicates(wanted.map(([name]) => name)).map((name) => `"columns" contains "${name}" twice`)
  if (wanted.length === 0) problems.push('"columns" is empty')
  const columns = wanted.flatMap(([name, of]) => {
    const column = table.columns.find((column) => column.name === of)
    if (!column) problems.push(noColumn(of, of, table))
    return column ? [{ name, column }] : []
  })
  throwProblems(problems)
  return columns
}

/** In the order of the table: an object has no order that both databases keep. */
function inTableOrder({ columns }: Table, wanted: [name: string, column: string][]): [name: string, column: string][] {
  const place = (column: string) => columns.findIndex(({ name }) => name === column)
  return wanted.sort(([a, of], [b, from]) => place(of) - place(from) || (a < b ? -1 : 1))
}

function isList<T>(requested: readonly T[] | object | null): requested is readonly T[] {
  return Array.isArray(requested)
}

function noColumn(name: string, target: string, table: Table): string {
  const known = table.columns.map(({ name }) => name)
  const source = name === target ? '' : ` (for "${name}")`
  return `"${table.name}" has no column "${target}"${source}; ${suggest(target, known, 'its columns')}`
}

/** Whether messages may quote it. */
function isName(name: string): boolean {
  return quoteName(name, 0).startsWith('"')
}

function noField(index: number, table: Table): string {
  return `field ${index + 1} of the header is not a column of "${table.name}"`
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}

function throwProblems(problems: readonly string[]): void {
  if (problems.length > 0) throw new TaskError(problems.join('; '), { isFinal: true })
}

/**
 * Decides how an existing row is identified.
 *
 * @param given the columns that the file fills
 * @throws TaskError when they do not identify a row
 */
export function planConflict(
  { onConflict, conflictKey }: { readonly onConflict: 'fail' | 'skip' | 'update'; readonly conflictKey: string | null },
  table: Table,
  given: readonly string[],
): Conflict {
  if (onConflict !== 'update') return { do: onConflict }
  const key = conflictKey === null ? table.primaryKey : conflictKey.split(',').map((name) => name.trim())
  const known = table.columns.map(({ name }) => name)
  for (const name of key)
    if (!known.includes(name))
      throw new TaskError(
        `"conflict_key": "${table.name}" has no column "${name}"; ${suggest(name, known, 'its columns')}`,
      )
  const candidates = table.uniqueKeys.filter((columns) => columns.every((name) => given.includes(name)))
  const suggestion =
    candidates.length > 0
      ? `set "conflict_key" to ${candidates.map((columns) => `"${columns.join(',')}"`).join(' or ')}`
      : 'add the columns of a primary key or unique index to the file'
  if (key.length === 0)
    throw new TaskError(`"${table.name}" has no primary key to identify the rows to update; ${suggestion}`)
  const absent = key.filter((name) => !given.includes(name))
  if (absent.length > 0)
    throw new TaskError(`the file has no ${absent.join(', ')} to identify the rows to update; ${suggestion}`)
  const isUnique = table.uniqueKeys.some(
    (columns) => columns.length === key.length && columns.every((name) => key.includes(name)),
  )
  if (!isUnique) throw new TaskError(`"${key.join(',')}" is not unique in "${table.name}"; ${suggestion}`)
  return { do: 'update', key }
}
