import type { Config } from '../config/config.ts'
import { didYouMean, nearest } from '../errors.ts'
import { type BrokenPlugin, type Plugin, shortName } from './processor-registry.ts'

/**
 * The bundled plugins that the configuration does not name: their processors can run programs, so with a configuration
 * file only those are enabled that its owner asked for.
 *
 * @param loaded without a file, all are enabled
 */
export function disabledPlugins(
  plugins: readonly Plugin[],
  { config, file }: { readonly config: Config; readonly file: string | undefined },
): Plugin[] {
  if (file === undefined) return []
  const named = config.plugins ?? {}
  return plugins.filter(({ type, name }) => type === 'bundled' && !Object.hasOwn(named, shortName(name)))
}

/** Settings for a plugin that does not exist, where the name is almost that of a bundled one. */
function mistypedSettings(key: string, plugins: readonly Plugin[]): BrokenPlugin[] {
  const names = plugins.map(({ name }) => shortName(name))
  const bundled = plugins.filter(({ type }) => type === 'bundled').map(({ name }) => shortName(name))
  const meant = names.includes(key) ? undefined : nearest(key, bundled)
  if (meant === undefined) return []
  const message = didYouMean(`The configuration has settings for "${key}", but no plugin has this name.`, key, bundled)
  const suggestions = [`correct the key: plugins: { ${meant}: {} }`]
  return [
    {
      plugin: undefined,
      problem: { code: 'UNKNOWN_PLUGIN', severity: 'warning', where: `plugins.${key}`, message, suggestions },
    },
  ]
}

/** What the settings of plugins are wrong about as a whole. */
export function unknownSettings(plugins: readonly Plugin[], { plugins: settings = {} }: Config): BrokenPlugin[] {
  return Object.keys(settings).flatMap((key) => mistypedSettings(key, plugins))
}
