import { join } from 'node:path'
import type { Plugin } from '../processor/processor-registry.ts'
import { createdTables } from '../task-table/create-table.ts'

/** The task tables of a plugin that need not work: those that its migrations make, or that it had when it came. */
export function tablesOfPlugin({ root, manifest, tables = [] }: Plugin): Set<string> {
  const { migrations } = (manifest.ops ?? {}) as { migrations?: unknown }
  return new Set([...tables, ...(typeof migrations === 'string' ? createdTables(join(root, migrations)) : [])])
}
