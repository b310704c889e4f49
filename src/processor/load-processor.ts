import { existsSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BrokenProcessorError } from '../errors.ts'
import { shareHostModules } from '../host-modules.ts'
import { type AnyProcessor, isProcessor } from './define-processor.ts'
import type { DeclaredProcessor } from './processor-registry.ts'

/**
 * Imports the module of one processor.
 *
 * @throws BrokenProcessorError which says of which plugin it is, why, and what to do
 */
export async function loadProcessor(declared: DeclaredProcessor): Promise<AnyProcessor> {
  shareHostModules()
  const file = locate(declared)
  const { name, plugin } = declared
  const broken = (problem: string, suggestion: string, cause?: unknown) =>
    new BrokenProcessorError(name, `${plugin.name}@${plugin.version}`, problem, { cause, suggestion })
  if (!existsSync(file))
    throw broken(`${file} does not exist`, 'build the plugin, or mend "ops.processors" in its package.json')
  let loaded: { default?: unknown }
  try {
    loaded = await import(pathToFileURL(file).href)
  } catch (cause) {
    throw broken(
      `${file} throws when it is imported: ${cause instanceof Error ? cause.message : cause}`,
      `mend or uninstall ${plugin.name}`,
      cause,
    )
  }
  const processor = loaded.default
  if (!isProcessor(processor)) {
    throw broken(
      `${file} must export a processor: export default defineProcessor({ … })`,
      `mend or uninstall ${plugin.name}`,
    )
  }
  if (processor.name !== name) {
    throw broken(
      `${file} defines "${processor.name}"`,
      `call it "${name}" there, or "${processor.name}" in its package.json`,
    )
  }
  return processor
}

/** The sources in a checkout; what is installed ships JavaScript, since Node strips no types below node_modules. */
function locate({ module, plugin }: DeclaredProcessor): string {
  const root = existsSync(plugin.root) ? realpathSync(plugin.root) : plugin.root
  const file = join(root, module)
  if (root.split(sep).includes('node_modules')) return file
  const sources = join(root, module.replace(/^(\.\/)?dist\//, 'src/').replace(/\.js$/, '.ts'))
  return existsSync(sources) ? sources : file
}
