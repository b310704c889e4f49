import type { Project } from '../project/open-project.ts'
import { findListed } from './find-listed.ts'
import type { KnownPlugins } from './known-plugins.ts'
import { listPlugins, type PluginSheet } from './list-plugins.ts'
import { readPluginList } from './plugin-list.ts'

export interface PluginFacts {
  readonly summary: string | null
  /** What it was installed by. */
  readonly spec: string | null
  /** Where its migrations are, in its folder. */
  readonly migrations: string | null
  readonly dependencies: readonly string[]
}

/** @throws PluginNotInstalledError */
export async function inspectPlugin(
  project: Project,
  known: KnownPlugins,
  name: string,
): Promise<{ sheet: PluginSheet; facts: PluginFacts }> {
  const sheet = findListed((await listPlugins(project, known)).plugins, name, 'there')
  const plugin = known.plugins.find(({ root }) => root === sheet.root)
  const { description, dependencies, ops } = (plugin?.manifest ?? {}) as {
    description?: unknown
    dependencies?: object
    ops?: { migrations?: unknown } | null
  }
  const isListed = sheet.source === 'installed'
  const listed = isListed ? readPluginList(known.folder.path).plugins.find((one) => one.name === sheet.name) : undefined
  return {
    sheet,
    facts: {
      summary: textOrNull(description),
      spec: listed?.spec ?? null,
      migrations: textOrNull(ops?.migrations),
      dependencies: Object.entries(dependencies ?? {}).map(([dependency, range]) => `${dependency} ${range}`),
    },
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
