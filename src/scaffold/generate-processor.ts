import { relative, resolve } from 'node:path'
import { formatCommand } from '../format.ts'
import { packageRoot } from '../plugins/find-plugins.ts'
import { declaredNames } from '../processor/processor-registry.ts'
import type { Project } from '../project/open-project.ts'
import { tablesOfPlugin } from '../project/orphaned-tasks.ts'
import { packageName } from './names.ts'
import { buildCheckout, coreDependency } from './ops-package.ts'
import { flagsOf, planPlugin } from './plan-plugin.ts'
import { requireEmptyFolder, writeFiles } from './plugin-files.ts'
import {
  type ProcessorArguments,
  type ProcessorSpec,
  parseProcessorSpec,
  processorRefused,
  type TakenNames,
} from './processor-spec.ts'

export interface GeneratedProcessor {
  readonly name: string
  /** The npm package. */
  readonly package: string
  readonly table: string
  readonly directory: string
  /** Relative to the directory. */
  readonly files: readonly string[]
  /** How its package.json names ops. */
  readonly core: string
  /** The commands to run next. */
  readonly next: readonly string[]
}

export interface GenerateOptions {
  /** The parent of the plugin's folder. */
  readonly folder: string
  readonly cwd: string
  /** Whether existing files are overwritten. */
  readonly force: boolean
}

/**
 * Writes a new plugin with one processor.
 *
 * @throws OpsError with the code PROCESSOR_REFUSED, FOLDER_IN_USE or CANNOT_WRITE_PLUGIN
 */
export async function generateProcessor(
  project: Project,
  given: ProcessorArguments,
  { folder, cwd, force }: GenerateOptions,
): Promise<GeneratedProcessor> {
  const spec = parseProcessorSpec(given, await takenNames(project, given.name))
  await requireUnusedTable(project, spec)
  const directory = pluginDirectory(spec.name, { folder, cwd })
  if (!force) requireEmptyFolder(directory)
  const core = coreDependency(directory)
  const files = planPlugin(spec, core)
  if (core.startsWith('file:')) await buildCheckout(packageRoot)
  writeFiles(directory, files)
  const shown = relative(cwd, directory) || '.'
  return {
    name: spec.name,
    package: packageName(spec.name),
    table: spec.table,
    directory,
    files: files.map(({ path }) => path).sort(),
    core,
    next: [
      `(${formatCommand('cd', shown)} && npm install && npm test)`,
      formatCommand('ops', 'plugins', 'link', shown, '--migrate'),
      `ops enqueue ${spec.name} ${flagsOf(spec.columns)}`,
      'ops worker --drain',
    ],
  }
}

/** The folder of the plugin of a processor. */
export function pluginDirectory(name: string, { folder, cwd }: Omit<GenerateOptions, 'force'>): string {
  return resolve(cwd, folder, packageName(name))
}

/** What other plugins of the project use; the plugin itself may be overwritten. */
export async function takenNames(project: Project, name: string): Promise<TakenNames> {
  const own = packageName(name)
  const others = project.registry.processors.filter(({ plugin }) => plugin.name !== own)
  const { ready } = await project.processors()
  const owners = ready.filter(({ queued }) => others.some((other) => other.name === queued.processor))
  // They would clash as soon as the bundled plugin is enabled.
  const { disabled } = project.registry
  const reserved = disabled.flatMap((plugin) =>
    declaredNames(plugin).map((one): [string, string] => [one, plugin.name]),
  )
  const tables = disabled.flatMap((plugin) =>
    [...tablesOfPlugin(plugin)].map((table): [string, string] => [table, `the plugin ${plugin.name}`]),
  )
  return {
    processors: new Map([...reserved, ...others.map((other): [string, string] => [other.name, other.plugin.name])]),
    tables: new Map([
      ...tables,
      ...owners.map(({ queued }): [string, string] => [queued.table.name, `the processor "${queued.processor}"`]),
    ]),
  }
}

/** The migration could not create a table that the application already has. */
async function requireUnusedTable(project: Project, { name, table }: ProcessorSpec): Promise<void> {
  if (project.registry.plugins.some((plugin) => plugin.name === packageName(name))) return
  // Works without a database, too.
  const columns = await project.queue.records.columns(table).catch(() => undefined)
  if (columns)
    throw processorRefused([
      `The table "${table}" already exists in ${project.queue.name}; use another: --table <name>.`,
    ])
}
