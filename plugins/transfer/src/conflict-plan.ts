import { TaskError } from '@ops-cli/core'
import { didYouMean } from './nearest.ts'
import type { ImportRequest } from './store.ts'
import type { Table } from './table.ts'

/**
 * How a row that is there already is known.
 *
 * @param given the columns that the file fills
 * @throws TaskError when nothing unique is among them
 */
export function planConflict(
  { onConflict, conflictKey }: { readonly onConflict: 'fail' | 'skip' | 'update'; readonly conflictKey: string | null },
  table: Table,
  given: readonly string[],
): ImportRequest['conflict'] {
  if (onConflict !== 'update') return { do: onConflict }
  const key = conflictKey === null ? table.primaryKey : conflictKey.split(',').map((name) => name.trim())
  const known = table.columns.map(({ name }) => name)
  for (const name of key)
    if (!known.includes(name))
      throw new TaskError(
        `"conflict_key" names "${name}", which is no column of "${table.name}"${didYouMean(name, known)}`,
      )
  const candidates = table.uniqueKeys.filter((columns) => columns.every((name) => given.includes(name)))
  const suggestion =
    candidates.length > 0
      ? `set "conflict_key" to ${candidates.map((columns) => `"${columns.join(',')}"`).join(' or ')}`
      : 'let the file bring the columns of a primary key or a unique index'
  if (key.length === 0)
    throw new TaskError(`"${table.name}" has no primary key by which a row could be updated; ${suggestion}`)
  const absent = key.filter((name) => !given.includes(name))
  if (absent.length > 0)
    throw new TaskError(
      `rows are updated by ${key.join(', ')}, and the file does not bring ${absent.join(', ')}; ${suggestion}`,
    )
  const isUnique = table.uniqueKeys.some(
    (columns) => columns.length === key.length && columns.every((name) => key.includes(name)),
  )
  if (!isUnique)
    throw new TaskError(
      `"${key.join(',')}" is not unique in "${table.name}", so it does not tell which row is meant; ${suggestion}`,
    )
  return { do: 'update', key }
}
