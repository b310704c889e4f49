import { bundledPlugins } from '../processor/bundled-plugins.ts'
import type { BrokenPlugin, Plugin } from '../processor/processor-registry.ts'
import { installedPlugins } from './installed-plugins.ts'
import { findPluginFolder, type PluginFolder } from './plugin-folder.ts'

/** Where somebody works: the project is found from there, and its plugins with it. */
export interface Place {
  readonly cwd: string
  /** `--config`. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}

export interface KnownPlugins {
  readonly folder: PluginFolder
  readonly plugins: Plugin[]
  readonly broken: readonly BrokenPlugin[]
}

/** Every plugin that a command can use: those that come with ops, and those of the project, or else of the user. */
export function pluginsOf(place: Place): KnownPlugins {
  return pluginsIn(findPluginFolder(place))
}

/** @param copy of the folder, which is looked into instead */
export function pluginsIn(folder: PluginFolder, copy = folder.path): KnownPlugins {
  const { plugins, broken } = installedPlugins(copy, folder.path)
  return { folder, plugins: [...bundledPlugins(), ...plugins], broken }
}

/** Those that cannot even be read included. */
export function everyPlugin({ plugins, broken }: Pick<KnownPlugins, 'plugins' | 'broken'>): Plugin[] {
  return [...plugins, ...broken.flatMap(({ plugin }) => plugin ?? [])]
}
