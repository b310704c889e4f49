import { openProject } from '../project/open-project.ts'
import { orphanedTables, orphanedTasks, type PendingTasks } from '../project/pending-tasks.ts'
import { tablesOfPlugin } from '../project/plugin-tables.ts'
import { everyPlugin, type KnownPlugins, type Place, pluginsOf } from './known-plugins.ts'

/** What plugins that were taken away leave in the database. */
export interface LeftBehind {
  /** Task tables for which there is no processor any more. */
  readonly tables: readonly string[]
  readonly pending: readonly PendingTasks[]
  /** Why it cannot be told what is pending; null when it can. */
  readonly problem: string | null
}

/** Looks only when the plugin is gone, so that no database and no configuration keeps it from going. */
export async function leftBehind(place: Place, tables: readonly string[]): Promise<LeftBehind> {
  if (tables.length === 0) return { tables, pending: [], problem: null }
  try {
    const project = await openProject({ ...place, ...pluginsOf(place) })
    try {
      if (!(await project.queue.exists())) return { tables: [], pending: [], problem: null }
      const pending = await orphanedTasks(project, tables)
      return { tables: await orphanedTables(project, tables), pending, problem: null }
    } finally {
      await project.close()
    }
  } catch (error) {
    return { tables, pending: [], problem: (error as Error).message }
  }
}

/** The task tables of a plugin as far as its files and the list of plugins tell; nothing of it is imported. */
export function tablesOfKnown(name: string, known: KnownPlugins): string[] {
  const same = everyPlugin(known).filter((plugin) => plugin.name === name)
  return [...new Set(same.flatMap((plugin) => [...tablesOfPlugin(plugin)]))]
}
