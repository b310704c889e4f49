import { relative, resolve } from 'node:path'
import { formatCommand } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { buildCheckout } from './build-checkout.ts'
import { coreDependency } from './core-dependency.ts'
import { opsRoot } from './developed-with.ts'
import { packageName } from './names.ts'
import { type Neighbours, parseWish, type TypedWish } from './parse-wish.ts'
import { flagsOf, type PluginWish, planPlugin } from './plan-plugin.ts'
import { ProcessorRefusedError } from './scaffold-errors.ts'
import { needEmptyFolder, writePlugin } from './write-plugin.ts'

export interface GeneratedProcessor {
  readonly name: string
  /** The npm package. */
  readonly package: string
  readonly table: string
  readonly directory: string
  /** Relative to the directory. */
  readonly files: readonly string[]
  /** How its package.json names the ops that it is developed with. */
  readonly core: string
  /** What follows, as commands. */
  readonly next: readonly string[]
}

export interface GenerateOptions {
  /** The folder in which the plugin gets a folder of its own. */
  readonly folder: string
  readonly cwd: string
  /** Whether what is there may be written over. */
  readonly force: boolean
}

/**
 * Writes a new plugin with one processor.
 *
 * @throws ProcessorRefusedError, FolderInUseError, CannotWritePluginError
 */
export async function generateProcessor(
  project: Project,
  typed: TypedWish,
  { folder, cwd, force }: GenerateOptions,
): Promise<GeneratedProcessor> {
  const wish = parseWish(typed, await neighbours(project, typed.name))
  await needUnusedTable(project, wish)
  const directory = pluginDirectory(wish.name, { folder, cwd })
  if (!force) needEmptyFolder(directory)
  const core = coreDependency(directory)
  const files = planPlugin(wish, core)
  if (core.startsWith('file:')) await buildCheckout(opsRoot)
  writePlugin(directory, files, { force })
  const shown = relative(cwd, directory) || '.'
  return {
    name: wish.name,
    package: packageName(wish.name),
    table: wish.table,
    directory,
    files: files.map(({ path }) => path).sort(),
    core,
    next: [
      `(${formatCommand('cd', shown)} && npm install && npm test)`,
      formatCommand('ops', 'plugins', 'link', shown, '--migrate'),
      `ops enqueue ${wish.name} ${flagsOf(wish.columns)}`,
      'ops worker --drain',
    ],
  }
}

/** Where the plugin of a processor is written. */
export function pluginDirectory(name: string, { folder, cwd }: Omit<GenerateOptions, 'force'>): string {
  return resolve(cwd, folder, packageName(name))
}

/** What the plugins of the project have already, save the plugin itself when it is written anew. */
export async function neighbours(project: Project, name: string): Promise<Neighbours> {
  const own = packageName(name)
  const others = project.registry.processors.filter(({ plugin }) => plugin.name !== own)
  const { ready } = await project.processors()
  const owners = ready.filter(({ queued }) => others.some((other) => other.name === queued.processor))
  return {
    processors: new Map(others.map((other) => [other.name, other.plugin.name])),
    tables: new Map(owners.map(({ queued }) => [queued.table.name, `the processor "${queued.processor}"`])),
  }
}

/** A table that the application has would be in the way of the migration. */
async function needUnusedTable(project: Project, { name, table }: PluginWish): Promise<void> {
  if (project.registry.plugins.some((plugin) => plugin.name === packageName(name))) return
  // Whoever has no database now, or cannot reach it, may write a plugin all the same.
  const columns = await project.queue.records.columns(table).catch(() => undefined)
  if (columns)
    throw new ProcessorRefusedError([
      `The table "${table}" is there already, in ${project.queue.name}: --table names another.`,
    ])
}
