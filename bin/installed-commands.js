import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Plugin } from '@oclif/core/config'

/**
 * The commands of the plugins that are installed or linked, in the project that the command line is for or else by the
 * user. Not left to oclif, which knows the user's folder alone and warns with every command of each that is broken.
 *
 * @param {string[]} argv
 * @param {((manifest: object) => object) | undefined} toSources in a checkout: makes a package.json name the sources
 * @returns {Promise<import('@oclif/core/config').Plugin[]>}
 */
export async function installedCommands(argv, toSources) {
  const [{ findPluginFolder }, { installedPlugins }] = await Promise.all([
    import(toSources ? '../src/plugins/plugin-folder.ts' : '../dist/plugins/plugin-folder.js'),
    import(toSources ? '../src/plugins/installed-plugins.ts' : '../dist/plugins/installed-plugins.js'),
  ])
  let folder
  try {
    folder = findPluginFolder({ cwd: process.cwd(), env: process.env, file: configFlag(argv) }).path
  } catch {
    // A configuration that is not there: the command says so, and help needs none.
    return []
  }
  const loaded = []
  for (const { name, root, type, manifest } of installedPlugins(folder).plugins) {
    if (!manifest.oclif?.commands && !manifest.oclif?.hooks) continue
    // One that is linked runs from its sources, as its processors do.
    const isSource = type === 'link' && existsSync(join(root, 'src'))
    const from = isSource ? sources(manifest) : { pjson: manifest, ignoreManifest: isStale(root, manifest) }
    const plugin = new InstalledPlugin({ name, root, type: 'link', ...from })
    plugin.takeAway = `ops plugins ${type === 'link' ? 'unlink' : 'uninstall'} ${name}`
    try {
      await plugin.load()
      loaded.push(plugin)
    } catch (error) {
      plugin.warn(error)
    }
  }
  return loaded
}

/** Its commands that cannot be loaded are told in a sentence; oclif takes eight lines for each of them. */
class InstalledPlugin extends Plugin {
  takeAway = ''

  /**
   * @param {Error} error
   * @param {string} scope what oclif was at, such as `findCommand (hello)`
   */
  warn(error, scope = '') {
    const command = /^findCommand \((.*)\)$/.exec(scope)?.[1]?.replaceAll(':', ' ')
    const what = command === undefined ? 'The commands' : `The command "${command}"`
    const [why] = error.message.split('\n', 1)
    console.error(`Warning: ${what} of the plugin ${this.name} cannot be loaded: ${why.replace(/\.$/, '')}.`)
    console.error(`Try: fix it, or remove it: ${this.takeAway}`)
  }
}

/** Whether its list of commands is of another version, or none at all. Then they are looked for. */
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
