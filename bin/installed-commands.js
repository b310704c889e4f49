import { existsSync } from 'node:fs'
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
    const plugin = new Plugin({ name, root, type: 'link', ...(isSource ? sources(manifest) : { pjson: manifest }) })
    try {
      await plugin.load()
      loaded.push(plugin)
    } catch (error) {
      console.error(`The commands of the plugin ${name} cannot be loaded: ${error.message}`)
    }
  }
  return loaded
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
