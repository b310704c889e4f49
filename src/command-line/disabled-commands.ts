import type { Interfaces } from '@oclif/core'
import { loadConfig } from '../config/load-config.ts'
import { bundledPlugins } from '../plugins/find-plugins.ts'
import { disabledPlugins } from '../processor/configured-plugins.ts'

/** The commands of bundled plugins that the configuration does not name. An invalid configuration hides none. */
export async function disabledCommands({ plugins }: Pick<Interfaces.Config, 'plugins'>): Promise<string[]> {
  try {
    const loaded = await loadConfig({ cwd: process.cwd(), env: process.env })
    return disabledPlugins(bundledPlugins(), loaded).flatMap(({ name, root }) => {
      const plugin = plugins.get(name)
      return plugin?.root === root ? plugin.commandIDs : []
    })
  } catch {
    return []
  }
}
