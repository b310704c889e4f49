import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'
import { loadProcessor } from '../processor/load-processor.ts'
import { type BrokenPlugin, type Plugin, ProcessorRegistry } from '../processor/processor-registry.ts'
import { type Dialect, dialects } from '../task-table/create-table.ts'
import type { DescribedTaskTable } from '../task-table/described-table.ts'
import { planNextMigration } from './plan-migration.ts'
import { MigrationNameError, NoPluginHereError } from './scaffold-errors.ts'
import { writeFiles } from './write-files.ts'

export interface GeneratedMigration {
  readonly database: Dialect
  /** Relative to the plugin; null when nothing has changed. */
  readonly file: string | null
  readonly statements: readonly string[]
}

export interface GeneratedMigrations {
  readonly plugin: string
  readonly directory: string
  readonly migrations: readonly GeneratedMigration[]
  /** Columns, as `table.column`, that may not be null and have no default: rows that are there have no value for them. */
  readonly unfilled: readonly string[]
  /** Whether the package.json of the plugin tells ops of its migrations. */
  readonly isDeclared: boolean
}

/**
 * Writes the migration that brings each database from the last migration of a plugin to its tables as they are declared
 * now. Either it is written for both, or nothing is.
 *
 * @param folder in or below the plugin
 */
export async function generateMigration(folder: string, name?: string): Promise<GeneratedMigrations> {
  if (name !== undefined && !/^[a-z0-9][a-z0-9_]*$/.test(name)) throw new MigrationNameError(name)
  const plugin = findPlugin(resolve(folder))
  const { registry, migrations } = plugin
  const tables = await ownTables(registry)
  if (tables.length === 0) throw new NoPluginHereError(plugin.root, 'none of its processors has a table of its own')
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
    unfilled: [...new Set(planned.flatMap(({ unfilled }) => unfilled))],
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
  if (root === undefined) throw new NoPluginHereError(folder, 'neither it nor a folder above it has a package.json')
  let manifest: { name?: string; version?: string; ops?: { migrations?: unknown } }
  try {
    manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  } catch (error) {
    throw new NoPluginHereError(root, `its package.json is no JSON (${(error as Error).message})`)
  }
  const { name = relative(dirname(root), root), version = '0.0.0' } = manifest
  const plugin: Plugin = { name, version, root, type: 'link', manifest }
  const registry = new ProcessorRegistry([plugin])
  const problem = problemOf(registry.broken) ?? (manifest.ops ? undefined : 'its package.json declares no "ops"')
  if (problem !== undefined) throw new NoPluginHereError(root, problem)
  const declared = registry.plugins[0]?.migrations
  return { name, root, registry, migrations: normalize(declared ?? 'migrations'), isDeclared: declared !== undefined }
}

function problemOf(broken: readonly BrokenPlugin[]): string | undefined {
  return broken.length === 0 ? undefined : broken.map(({ problem }) => problem.replace(/\.$/, '')).join('; ')
}

function nearestPackage(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder
  const above = dirname(folder)
  return above === folder ? undefined : nearestPackage(above)
}

/** The tables that the plugin describes itself. Those of the application are the application's to migrate. */
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
  // The columns of existing tables bring Drizzle's own way to write and read them.
  const isExisting = Object.values(table.columns).some(({ codec }) => codec !== undefined)
  return !isExisting && dialects.every((dialect) => dialect in table)
}
