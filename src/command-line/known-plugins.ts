import { installedPlugins } from '../plugins/installed-plugins.ts'
import { findPluginFolder, type PluginFolder } from '../plugins/plugin-folder.ts'
import { bundledPlugins } from '../processor/bundled-plugins.ts'
import type { BrokenPlugin, Plugin } from '../processor/processor-registry.ts'

/** Every plugin that a command can use: those that come with ops, and those of the project, or else of the user. */
export function knownPlugins(file: string | undefined): {
  folder: PluginFolder
  plugins: Plugin[]
  broken: readonly BrokenPlugin[]
} {
  const folder = findPluginFolder({ cwd: process.cwd(), env: process.env, file })
  const { plugins, broken } = installedPlugins(folder.path)
  return { folder, plugins: [...bundledPlugins(), ...plugins], broken }
}
