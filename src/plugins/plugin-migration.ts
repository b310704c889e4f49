import { migrateProject } from '../project/migrate-project.ts'
import { openProject } from '../project/open-project.ts'
import { type Place, pluginsIn } from './known-plugins.ts'
import type { PluginFolder } from './plugin-folder.ts'

/** Whether the database has what the plugins need, after these have changed. */
export interface PluginMigration {
  /** Whether `ops migrate` has something to do. */
  readonly isDue: boolean
  /** Whether it has just been done. */
  readonly isDone: boolean
  readonly errors: readonly string[]
}

export async function migrateAfterChange(
  place: Place,
  folder: PluginFolder,
  isWanted: boolean,
): Promise<PluginMigration> {
  const project = await openProject({ ...place, ...pluginsIn(folder) })
  try {
    const { steps, errors } = await migrateProject(project, { check: !isWanted })
    return {
      isDue: !isWanted && steps.length > 0,
      isDone: isWanted && steps.length > 0,
      errors: isWanted ? errors.map(({ message }) => message) : [],
    }
  } catch (error) {
    if (isWanted) throw error
    // The plugin is installed all the same, and whoever migrates is told about the database.
    return { isDue: true, isDone: false, errors: [] }
  } finally {
    await project.close()
  }
}
