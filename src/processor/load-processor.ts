import { existsSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BrokenProcessorError } from '../errors.ts'
import { formatCommand } from '../format.ts'
import { shareHostModules } from '../host-modules.ts'
import { type AnyProcessor, isProcessor } from './define-processor.ts'
import { type DeclaredModule, removeSuggestion } from './processor-registry.ts'

/**
 * Imports the module of one processor.
 *
 * @throws BrokenProcessorError that names the plugin, the cause and what to do
 */
export async function loadProcessor(declared: DeclaredModule): Promise<AnyProcessor> {
  shareHostModules()
  const { name, module, plugin } = declared
  const file = locate(declared)
  const broken = (problem: string, suggestion: string, cause?: unknown) =>
    new BrokenProcessorError(name, `${plugin.name}@${plugin.version}`, problem, {
      cause,
      suggestions: [suggestion, ...removeSuggestion(plugin)],
    })
  if (!existsSync(file)) {
    const source = sourceOf(declared)
    throw isPackaged(plugin.root) && existsSync(source)
      ? broken(`it was packed without a build: ${source} exists, ${file} does not`, buildIt(plugin.name))
      : broken(`${file} does not exist`, 'build the plugin, or fix "ops.processors" in its package.json')
  }
  let loaded: { default?: unknown; 'module.exports'?: unknown }
  try {
    loaded = await import(pathToFileURL(file).href)
  } catch (cause) {
    const { problem, suggestion = 'fix the plugin' } = explainImport(file, cause, plugin.name)
    throw broken(problem, suggestion, cause)
  }
  const processor = loaded.default
  if (!isProcessor(processor)) {
    if ('module.exports' in loaded) throw broken(commonJs(file), USE_MODULES)
    throw broken(`${file} must export a processor`, 'add: export default defineProcessor({ … })')
  }
  if (processor.name !== name) {
    throw broken(
      `${file} defines a processor named "${processor.name}"`,
      `rename it to "${name}", or use "${processor.name}" in package.json`,
    )
  }
  if (/^(ops|sqlite|pg)_/.test(processor.table.name)) {
    throw broken(
      `its table "${processor.table.name}" starts with a reserved prefix (ops_, sqlite_, pg_)`,
      `rename the table in ${module}`,
    )
  }
  return processor
}

const USE_MODULES = 'use import and export, and set "type": "module" in package.json'

function commonJs(file: string): string {
  return `${file} is CommonJS, but a processor must be an ES module`
}

function buildIt(plugin: string): string {
  return `build ${plugin} before packing it, or link its folder: ops plugins link <folder>`
}

function explainImport(file: string, cause: unknown, plugin: string): { problem: string; suggestion?: string } {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) }
  switch (code) {
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return {
        problem: `${file} is or imports TypeScript, which Node does not run below node_modules`,
        suggestion: buildIt(plugin),
      }
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return {
        problem: `${file} has TypeScript that Node cannot strip: ${message.split('\n', 1)[0]}`,
        suggestion: 'avoid enum, namespace and parameter properties (erasableSyntaxOnly), or build the plugin',
      }
    case 'ERR_MODULE_NOT_FOUND': {
      const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1]
      if (missing !== undefined) {
        return {
          problem: `${file} fails to import: ${message}`,
          suggestion: `add "${missing}" to the dependencies of ${plugin}, then npm install`,
        }
      }
    }
  }
  if (/\b(module|exports|require) is not defined in ES module scope/.test(message))
    return { problem: commonJs(file), suggestion: USE_MODULES }
  const [at] = placesIn(cause)
  if (at === undefined) {
    // Node prints where a syntax error is, but the error does not tell.
    return cause instanceof SyntaxError
      ? {
          problem: `${file}, or a module that it imports, has a syntax error: ${message}`,
          suggestion: `find it: ${formatCommand('node', '--check', file)}`,
        }
      : { problem: `${file} fails to import: ${message}` }
  }
  if (at.startsWith(`${file}:`)) return { problem: `${at} fails to import: ${message}` }
  return { problem: `${file} fails to import: ${message} (${at})` }
}

/** The files and lines in an error's stack, innermost first. */
function placesIn(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return [...stack.matchAll(/file:\/\/[^\s()]+?:\d+(?=\D|$)/g)]
    .map(([url]) => /^(.*):(\d+)$/.exec(url)!)
    .map(([, url, line]) => `${fileURLToPath(url!)}:${line}`)
    .filter((place) => !place.startsWith(import.meta.filename))
}

/** The sources in a checkout, else the JavaScript: Node strips no types below node_modules. */
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
