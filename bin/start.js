import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import pjson from '../package.json' with { type: 'json' }

const root = dirname(import.meta.dirname)

/** A checkout runs from its TypeScript sources, without a build; a package contains JavaScript only. */
const isCheckout = existsSync(join(root, 'src', 'commands'))

/**
 * Runs one command line.
 *
 * @param {string[]} argv the arguments behind `ops`
 */
export async function start(argv) {
  exitWhenReaderCloses()
  if (isVersionRequest(argv)) {
    // Scripts and prompts ask for it, so it is printed before the framework is loaded.
    console.log(`${pjson.name}/${pjson.version} ${process.platform}-${process.arch} node-${process.version}`)
    return
  }
  module.enableCompileCache()
  // oclif would warn that it cannot transpile a linked ES module; Node strips the types itself.
  process.env.OCLIF_DISABLE_LINKED_ESM_WARNING ??= '1'
  const [{ run }, { withBundledCommands }, { installedCommands }, { shareHostModules }] = await Promise.all([
    import('@oclif/core/run'),
    import('./bundled-commands.js'),
    import('./installed-commands.js'),
    import(isCheckout ? '../src/host-modules.ts' : '../dist/host-modules.js'),
  ])
  // Their commands import ops.
  shareHostModules()
  const loadOptions = { ...(isCheckout ? sources() : { root }), userPlugins: false }
  const inCheckout = isCheckout ? toSources : undefined
  try {
    const installed = await installedCommands(argv, inCheckout)
    await run(argv, await withBundledCommands(loadOptions, inCheckout, installed))
    const { flush } = await import('@oclif/core/flush')
    await flush()
  } catch (error) {
    const { printError } = await import(
      isCheckout ? '../src/command-line/print-error.ts' : '../dist/command-line/print-error.js'
    )
    process.exit(await printError(error, argv))
  }
}

/** @param {string[]} argv */
function isVersionRequest(argv) {
  return argv.length === 1 && ['--version', '-v', '-V'].includes(argv[0])
}

function sources() {
  return {
    root,
    // Packing may have left a manifest here, which names compiled files.
    ignoreManifest: existsSync(join(root, 'oclif.manifest.json')),
    pjson: toSources(pjson),
  }
}

/** @param {object} manifest a package.json that names compiled files */
function toSources(manifest) {
  return JSON.parse(
    JSON.stringify(manifest)
      .replaceAll(/"\.\/dist\/([^"]*)\.js"/g, '"./src/$1.ts"')
      .replaceAll('"./dist/', '"./src/'),
  )
}

/**
 * `ops … | head` closes the pipe while oclif still waits for it to drain. A closed terminal is not read either; there
 * SIGHUP has told the process to stop, and a worker finishes its task first.
 */
function exitWhenReaderCloses() {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputError)
}

/** @param {NodeJS.ErrnoException} error */
function onOutputError(error) {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  if (error.code !== 'EIO') throw error
}
