import type { Project } from '../project/open-project.ts'
import type { ColumnFlag } from './column-flags.ts'

/**
 * Takes the name of a task for its id where a flag refers to one: so what `ops enqueue build` prints can be given to the
 * next command as it is. A name that is not that of a task of the right table is left, and refused with the rest.
 */
export async function resolveTaskNames(
  project: Project,
  columns: readonly ColumnFlag[],
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const resolved: Record<string, unknown> = { ...given }
  for (const { flag, column } of columns) {
    const [, processor, id] = /^(\S+) (\d+)$/.exec(String(given[flag])) ?? []
    if (column.type !== 'reference' || processor === undefined) continue
    const named = await project.processor(processor).catch(() => undefined)
    if (named?.queued.table.name === column.target!().name) resolved[flag] = id
  }
  return resolved
}
