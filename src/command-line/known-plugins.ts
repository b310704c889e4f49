import { type KnownPlugins, pluginsOf } from '../plugins/known-plugins.ts'

/** The plugins of the place that the command was started in. */
export function knownPlugins(file: string | undefined): KnownPlugins {
  return pluginsOf({ cwd: process.cwd(), env: process.env, file })
}
