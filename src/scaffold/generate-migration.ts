import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
import { loadProcessor } from '../processor/load-processor.ts'
import { type Plugin, ProcessorRegistry } from '../processor/processor-registry.ts'
import { type Dialect, dialects } from '../task-table/create-table.ts'
import type { DescribedTaskTable } from '../task-table/described-table.ts'
import { planNextMigration } from './plan-migration.ts'
import { writeFiles } from './plugin-files.ts'

export interface GeneratedMigration {
  readonly database: Dialect
  /** Relative to the plugin; null if nothing has changed. */
  readonly file: string | null
  readonly statements: readonly string[]
}

export interface GeneratedMigrations {
  readonly plugin: string
  readonly directory: string
  readonly migrations: readonly GeneratedMigration[]
  /** New columns, as `table.column`, that are not null and have no default, so that existing rows have no value. */
  readonly columnsWithoutValue: readonly string[]
  /** Whether the package.json of the plugin names its migrations. */
  readonly isDeclared: boolean
}

/**
 * Writes the migration from the last migration of a plugin to its tables as declared now, for both databases or for
 * none.
 *
 * @param folder in or below the plugin
 */
export async function generateMigration(folder: string, name?: string): Promise<GeneratedMigrations> {
  if (name !== undefined && !/^[a-z0-9][a-z0-9_]*$/.test(name))
    throw new OpsError(
      'MIGRATION_NAME',
      `Invalid migration name "${name}": expected lower case letters, digits and underscores.`,
      { exit: exitStatus.usage, suggestions: ['name the change: ops generate migration add_labels'] },
    )
  const plugin = findPlugin(resolve(folder))
  const { registry, migrations } = plugin
  const tables = await ownTables(registry)
  if (tables.length === 0) throw notAPluginFolder(plugin.root, 'none of its processors declares a table')
  const drizzle = (dialect: Dialect) => Object.fromEntries(tables.map((table) => [table.name, table[dialect]]))
  const planned = await planNextMigration(
    { sqlite: drizzle('sqlite'), postgres: drizzle('postgres') },
    { plugin: plugin.root, migrations, name: name ?? tables.map((table) => table.name).join('_') },
  )
  writeFiles(
    plugin.root,
    planned.flatMap(({ files }) => files),
  )
  return {
    plugin: plugin.name,
    directory: plugin.root,
    migrations: planned.map(({ database, statements, files }) => ({
      database,
      statements,
      file: files[0]?.path ?? null,
    })),
    columnsWithoutValue: [...new Set(planned.flatMap(({ columnsWithoutValue }) => columnsWithoutValue))],
    isDeclared: plugin.isDeclared,
  }
}

interface FoundPlugin {
  readonly name: string
  readonly root: string
  readonly registry: ProcessorRegistry
  /** Relative to the plugin. */
  readonly migrations: string
  readonly isDeclared: boolean
}

function findPlugin(folder: string): FoundPlugin {
  const root = nearestPackage(folder)
  if (root === undefined) throw notAPluginFolder(folder, 'neither it nor a parent folder has a package.json')
  let manifest: { name?: string; version?: string; ops?: { migrations?: unknown } }
  try {
    manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  } catch (error) {
    throw notAPluginFolder(root, `its package.json is not valid JSON (${(error as Error).message})`)
  }
  const { name = relative(dirname(root), root), version = '0.0.0' } = manifest
  const plugin: Plugin = { name, version, root, type: 'link', manifest }
  const registry = new ProcessorRegistry([plugin])
  const problems = registry.broken.map(({ problem }) => problem.message.replace(/\.$/, ''))
  if (problems.length > 0) throw notAPluginFolder(root, problems.join('; '))
  if (!manifest.ops) throw notAPluginFolder(root, 'its package.json has no "ops"')
  const declared = registry.plugins[0]?.migrations
  return { name, root, registry, migrations: normalize(declared ?? 'migrations'), isDeclared: declared !== undefined }
}

function notAPluginFolder(folder: string, problem: string): OpsError {
  return new OpsError('NO_PLUGIN_HERE', `${folder} is not a plugin folder: ${problem}.`, {
    exit: exitStatus.usage,
    suggestions: [
      'change to the folder of the plugin, or name it: --dir <folder>',
      'create a plugin: ops generate processor',
    ],
  })
}

function nearestPackage(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder
  const above = dirname(folder)
  return above === folder ? undefined : nearestPackage(above)
}

/** The tables that the plugin declares. Existing tables are migrated by the application. */
async function ownTables({ processors }: ProcessorRegistry): Promise<Described[]> {
  const tables = new Map<string, Described>()
  for (const declared of processors) {
    if (declared.module === undefined) continue
    const { table } = await loadProcessor(declared)
    if (isDescribed(table)) tables.set(table.name, table)
  }
  return [...tables.values()]
}

type Described = DescribedTaskTable<string, Record<string, never>>

function isDescribed(table: { columns: object }): table is Described {
  // Only columns of existing tables have a codec, from Drizzle.
  const isExisting = Object.values(table.columns).some(({ codec }) => codec !== undefined)
  return !isExisting && dialects.every((dialect) => dialect in table)
}
