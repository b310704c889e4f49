import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config, Plugin } from '@oclif/core/config'

/**
 * The configuration of oclif, with the commands of the bundled plugins. oclif searches for plugins in node_modules and does
 * not find those in this package.
 *
 * @param {import('@oclif/core/interfaces').LoadOptions & { root: string }} options
 * @param {((manifest: object) => object) | undefined} toSources in a checkout: points a package.json to the sources
 * @param {readonly Plugin[]} installed plugins that take precedence
 */
export async function withBundledCommands(options, toSources, installed = []) {
  const config = await Config.load(options)
  for (const plugin of installed) config.plugins.set(plugin.name, plugin)
  for (const { root, pjson } of bundledPlugins(join(options.root, 'plugins'))) {
    // An installed or linked version takes precedence.
    if (!pjson.oclif?.commands || config.plugins.has(pjson.name)) continue
    const found = toSources ? { pjson: toSources(pjson), ignoreManifest: true } : { pjson }
    const plugin = new Plugin({ root, type: 'core', ...found })
    await plugin.load()
    config.plugins.set(plugin.name, plugin)
  }
  return config
}

function bundledPlugins(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((root) => existsSync(join(root, 'package.json')))
    .map((root) => ({ root, pjson: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) }))
}
