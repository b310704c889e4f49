import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Plugin } from '@oclif/core/config'

/**
 * The commands of the plugins that are installed or linked, for the project or else for the user. oclif would only search
 * the folder of the user, and warn of each broken plugin with every command.
 *
 * @param {string[]} argv
 * @param {((manifest: object) => object) | undefined} toSources in a checkout: points a package.json to the sources
 * @returns {Promise<import('@oclif/core/config').Plugin[]>}
 */
export async function installedCommands(argv, toSources) {
  const { findPluginFolder, installedPlugins } = await import(
    toSources ? '../src/plugins/find-plugins.ts' : '../dist/plugins/find-plugins.js'
  )
  let folder
  try {
    folder = findPluginFolder({ cwd: process.cwd(), env: process.env, file: configFlag(argv) }).path
  } catch {
    // The configuration does not exist: the command reports it, and help does not need it.
    return []
  }
  const loaded = []
  for (const { name, root, type, manifest } of installedPlugins(folder).plugins) {
    if (!manifest.oclif?.commands && !manifest.oclif?.hooks) continue
    // A linked plugin runs from its sources, as its processors do.
    const isSource = type === 'link' && existsSync(join(root, 'src'))
    const from = isSource ? sources(manifest) : { pjson: manifest, ignoreManifest: isStale(root, manifest) }
    const plugin = new InstalledPlugin({ name, root, type: 'link', ...from })
    plugin.removeCommand = `ops plugins ${type === 'link' ? 'unlink' : 'uninstall'} ${name}`
    try {
      await plugin.load()
      loaded.push(plugin)
    } catch (error) {
      plugin.warn(error)
    }
  }
  return loaded
}

/** Warns of each command that cannot be loaded in one sentence, where oclif takes eight lines. */
class InstalledPlugin extends Plugin {
  removeCommand = ''

  /**
   * @param {Error} error
   * @param {string} scope what oclif was doing, such as `findCommand (hello)`
   */
  warn(error, scope = '') {
    const command = /^findCommand \((.*)\)$/.exec(scope)?.[1]?.replaceAll(':', ' ')
    const what = command === undefined ? 'The commands' : `The command "${command}"`
    const [why] = error.message.split('\n', 1)
    console.error(`Warning: ${what} of the plugin ${this.name} cannot be loaded: ${why.replace(/\.$/, '')}.`)
    console.error(`Try: ${this.removeCommand}  # or fix it`)
  }
}

/** Whether its manifest of commands is invalid or of another version. Then oclif searches for them. */
function isStale(root, { version }) {
  const file = join(root, 'oclif.manifest.json')
  if (!existsSync(file)) return false
  try {
    return JSON.parse(readFileSync(file, 'utf8')).version !== version
  } catch {
    return true
  }
}

function sources(manifest) {
  const text = JSON.stringify(manifest)
    .replaceAll(/"\.\/dist\/([^"]*)\.js"/g, '"./src/$1.ts"')
    .replaceAll('"./dist/', '"./src/')
  return { pjson: JSON.parse(text), ignoreManifest: true }
}

/** @param {string[]} argv */
function configFlag(argv) {
  const index = argv.findIndex((word) => /^--config(=|$)/.test(word))
  return index < 0 ? undefined : (/^--config=(.*)/s.exec(argv[index])?.[1] ?? argv[index + 1])
}
