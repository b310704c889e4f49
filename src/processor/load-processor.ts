import { existsSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BrokenProcessorError } from '../errors.ts'
import { formatCommand } from '../format.ts'
import { shareHostModules } from '../host-modules.ts'
import { type AnyProcessor, isProcessor } from './define-processor.ts'
import type { DeclaredModule } from './processor-registry.ts'

/**
 * Imports the module of one processor.
 *
 * @throws BrokenProcessorError which says of which plugin it is, why, and what to do
 */
export async function loadProcessor(declared: DeclaredModule): Promise<AnyProcessor> {
  shareHostModules()
  const { name, module, plugin } = declared
  const file = locate(declared)
  const broken = (problem: string, suggestion: string, cause?: unknown) =>
    new BrokenProcessorError(name, `${plugin.name}@${plugin.version}`, problem, { cause, suggestion })
  const takeAway = `ops plugins ${plugin.type === 'link' ? 'unlink' : 'uninstall'} ${plugin.name}`
  const mend = `mend it, or take it away: ${takeAway}`
  if (!existsSync(file)) {
    const source = sourceOf(declared)
    throw isPackaged(plugin.root) && existsSync(source)
      ? broken(`it was packed without being built: there is ${source} and no ${file}`, buildIt(plugin.name))
      : broken(`${file} does not exist`, 'build the plugin, or mend "ops.processors" in its package.json')
  }
  let loaded: { default?: unknown; 'module.exports'?: unknown }
  try {
    loaded = await import(pathToFileURL(file).href)
  } catch (cause) {
    const { problem, suggestion = mend } = whyNotImported(file, cause, plugin.name)
    throw broken(problem, suggestion, cause)
  }
  const processor = loaded.default
  if (!isProcessor(processor)) {
    if ('module.exports' in loaded) throw broken(commonJs(file), rewriteIt)
    throw broken(`${file} must export a processor: export default defineProcessor({ … })`, mend)
  }
  if (processor.name !== name) {
    throw broken(
      `${file} defines "${processor.name}"`,
      `call it "${name}" there, or "${processor.name}" in its package.json`,
    )
  }
  if (/^(ops|sqlite|pg)_/.test(processor.table.name)) {
    throw broken(
      `its table "${processor.table.name}" has a name that is not for plugins; those begin with ops_, sqlite_ or pg_`,
      `give the table of ${module} another name`,
    )
  }
  return processor
}

const rewriteIt = 'write import and export, with "type": "module" in its package.json'

function commonJs(file: string): string {
  return `${file} is CommonJS, and the module of a processor is an ES module`
}

function buildIt(plugin: string): string {
  return `have ${plugin} build its JavaScript before it is packed, or link its folder: ops plugins link <folder>`
}

function whyNotImported(file: string, cause: unknown, plugin: string): { problem: string; suggestion?: string } {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) }
  switch (code) {
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return {
        problem: `${file} is TypeScript, or imports some, which Node does not run below node_modules`,
        suggestion: buildIt(plugin),
      }
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return {
        problem: `${file} has TypeScript that Node cannot strip: ${message.split('\n', 1)[0]}`,
        suggestion: 'do without enum, namespace and parameter properties (erasableSyntaxOnly), or build the plugin',
      }
    case 'ERR_MODULE_NOT_FOUND': {
      const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1]
      if (missing !== undefined) {
        return {
          problem: `${file} throws when it is imported: ${message}`,
          suggestion: `add "${missing}" to the dependencies of ${plugin} and install them: npm install`,
        }
      }
    }
  }
  if (/\b(module|exports|require) is not defined in ES module scope/.test(message))
    return { problem: commonJs(file), suggestion: rewriteIt }
  const [at] = placesIn(cause)
  if (at === undefined) {
    // Node tells the place of an error in the syntax to nobody but the terminal.
    const isSyntax = cause instanceof SyntaxError
    const said = `${file} ${isSyntax ? 'is no JavaScript, or imports what is none' : 'throws when it is imported'}: ${message}`
    return isSyntax
      ? { problem: said, suggestion: `see where: ${formatCommand('node', '--check', file)}` }
      : { problem: said }
  }
  if (at.startsWith(`${file}:`)) return { problem: `${at} throws when it is imported: ${message}` }
  return { problem: `${file} throws when it is imported: ${message} (${at})` }
}

/** Files and lines that an error names, the innermost first. */
function placesIn(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return [...stack.matchAll(/file:\/\/[^\s()]+?:\d+(?=\D|$)/g)]
    .map(([url]) => /^(.*):(\d+)$/.exec(url)!)
    .map(([, url, line]) => `${fileURLToPath(url!)}:${line}`)
    .filter((place) => !place.startsWith(import.meta.filename))
}

/** The sources in a checkout; what is installed ships JavaScript, since Node strips no types below node_modules. */
function locate(declared: DeclaredModule): string {
  const { module, plugin } = declared
  if (isPackaged(plugin.root)) return join(realRoot(plugin.root), module)
  const source = sourceOf(declared)
  return existsSync(source) ? source : join(realRoot(plugin.root), module)
}

function sourceOf({ module, plugin }: DeclaredModule): string {
  return join(realRoot(plugin.root), module.replace(/^(\.\/)?dist\//, 'src/').replace(/\.js$/, '.ts'))
}

function isPackaged(root: string): boolean {
  return realRoot(root).split(sep).includes('node_modules')
}

function realRoot(root: string): string {
  return existsSync(root) ? realpathSync(root) : root
}
