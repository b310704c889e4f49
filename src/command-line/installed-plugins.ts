import type { Config } from '@oclif/core/interfaces'
import type { Plugin } from '../processor/processor-registry.ts'

/** The plugins that were installed or linked with `ops plugins`. */
export function installedPlugins(config: Pick<Config, 'getPluginsList'>): Plugin[] {
  return config.getPluginsList().flatMap(({ name, version, root, type, pjson }): Plugin[] => {
    if (type !== 'user' && type !== 'link') return []
    return [{ name, version, root, type, manifest: pjson as { ops?: unknown } }]
  })
}
