import type { TaskTable } from '../../task-table/task-table.ts'
import { columnNamed, quote } from './values.ts'

/** Instants as the columns of a task table keep them, inside a function. */
export interface Instants {
  readonly declarations: string
  of(column: string): string
}

/**
 * In a described table an instant is what it is; in an existing one it may be a text or a number, and then a variable
 * has it in the column's own type.
 *
 * @param moments SQL expressions of the instants, by the names of the columns
 */
export function instants(table: TaskTable, moments: Readonly<Record<string, string>>): Instants {
  const needed = Object.keys(moments).filter((name) => columnNamed(table, name)?.codec)
  const variable = (name: string) => `instant_of_${name}`
  const asKept = (name: string) =>
    columnNamed(table, name)!.type === 'integer'
      ? `(extract(epoch from ${moments[name]}) * 1000)::bigint`
      : `to_char((${moments[name]}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  return {
    declarations: needed
      .map((name) => `  ${variable(name)} ${quote(table.name)}.${quote(name)}%type := ${asKept(name)};\n`)
      .join(''),
    of: (name) => (needed.includes(name) ? variable(name) : moments[name]!),
  }
}
