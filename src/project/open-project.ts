import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config, RetentionConfig } from '../config/config.ts'
import { isNamed, loadConfig } from '../config/load-config.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import { checkTrusted } from '../config/trusted-path.ts'
import { InvalidConfigurationError, OpsError, TaskTableMissingError } from '../errors.ts'
import { commandProcessor } from '../processor/command-processor.ts'
import { disabledPlugins, unknownSettings } from '../processor/configured-plugins.ts'
import type { AnyProcessor } from '../processor/define-processor.ts'
import { loadProcessor } from '../processor/load-processor.ts'
import {
  type BrokenPlugin,
  comparePlugins,
  type DeclaredCommand,
  type DeclaredProcessor,
  type Plugin,
  ProcessorRegistry,
  removeSuggestion,
} from '../processor/processor-registry.ts'
import { type ReadyProcessor, toQueuedTable } from '../processor/ready-processor.ts'
import { openQueue } from '../queue/open-queue.ts'
import type { MigrationSource, Queue } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { hideSecrets } from '../redact.ts'
import { installedState } from '../systemd/manifest.ts'
import { serverName } from '../systemd/places.ts'
import { retentionProblems } from '../worker/retention.ts'
import type { Schedule } from '../worker/schedule.ts'

export interface ProjectOptions {
  readonly cwd: string
  /** `--config`. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly plugins: readonly Plugin[]
  /** Plugins whose package.json cannot be read. */
  readonly broken?: readonly BrokenPlugin[]
}

/** A declared processor that cannot be used. */
export interface FailedProcessor {
  readonly declared: DeclaredProcessor
  readonly error: Error
  /** Whether a processor of another plugin has its table. */
  readonly isTableTaken: boolean
}

/** What a command works on: the configuration, the folders, the processors and the queue. */
export class Project {
  readonly config: Config
  /** The configuration file; undefined if there is none. */
  readonly file: string | undefined
  /** The folder that paths in the configuration are relative to. */
  readonly directory: string
  /** Where ops keeps the database, logs, caches and artifacts. */
  readonly stateDirectory: string
  readonly registry: ProcessorRegistry
  readonly queue: Queue
  readonly #loading = new Map<string, Promise<ReadyProcessor>>()

  constructor(parts: Pick<Project, 'config' | 'file' | 'directory' | 'stateDirectory' | 'registry' | 'queue'>) {
    this.config = parts.config
    this.file = parts.file
    this.directory = parts.directory
    this.stateDirectory = parts.stateDirectory
    this.registry = parts.registry
    this.queue = parts.queue
  }

  /**
   * One processor, imported and configured.
   *
   * @throws OpsError UNKNOWN_PROCESSOR or PROCESSOR_NOT_ENABLED, BrokenProcessorError, InvalidConfigurationError if its settings are invalid
   */
  processor(name: string): Promise<ReadyProcessor> {
    const declared = this.registry.find(name)
    let ready = this.#loading.get(name)
    if (!ready) {
      ready = this.#load(declared)
      this.#loading.set(name, ready)
      // Try again later: the columns of a program's table are in the database only after a migration.
      ready.catch(() => this.#loading.delete(name))
    }
    return ready
  }

  /** The processors that work, by priority, and those that do not. */
  async processors(): Promise<{ ready: ReadyProcessor[]; failed: FailedProcessor[]; errors: Error[] }> {
    const declared = [...this.registry.processors].sort((a, b) => comparePlugins(a.plugin, b.plugin))
    const results = await Promise.allSettled(declared.map(({ name }) => this.processor(name)))
    const owners = new Map<string, DeclaredProcessor>()
    const ready: ReadyProcessor[] = []
    const failed: FailedProcessor[] = []
    for (const [index, result] of results.entries()) {
      const one = declared[index]!
      if (result.status === 'rejected') {
        failed.push({ declared: one, error: result.reason, isTableTaken: false })
        continue
      }
      const { name: table } = result.value.queued.table
      const owner = owners.get(table)
      if (owner) failed.push({ declared: one, error: tableTaken(one, table, owner), isTableTaken: true })
      else ready.push(result.value)
      owners.set(table, owner ?? one)
    }
    ready.sort((a, b) => a.queued.priority - b.queued.priority || a.queued.processor.localeCompare(b.queued.processor))
    return { ready, failed, errors: failed.map(({ error }) => error) }
  }

  /**
   * The schedules of the configuration.
   *
   * @throws InvalidConfigurationError that lists every problem
   */
  async schedules(): Promise<Schedule[]> {
    const { schedules = {} } = this.config
    if (Object.keys(schedules).length === 0) return []
    // Most projects have none, and then the cron parser is not loaded.
    const { planSchedules } = await import('../worker/schedule.ts')
    return planSchedules(schedules, {
      file: this.file ?? 'The configuration',
      names: this.registry.processors.map(({ name }) => name),
      find: (name) => this.processor(name),
      notEnabled: (name) => this.registry.notEnabled(name),
    })
  }

  /**
   * The retention of the configuration.
   *
   * @throws InvalidConfigurationError if it names a processor that does not exist
   */
  retention(): RetentionConfig | undefined {
    const { retention } = this.config
    const known = this.registry.processors.map(({ name }) => name)
    const problems = retention ? retentionProblems(retention, known) : []
    if (problems.length > 0) throw new InvalidConfigurationError(this.file ?? 'The configuration', problems)
    return retention
  }

  /** The processors that work and whose table the database has. */
  async processorsWithTable(): Promise<ReadyProcessor[]> {
    const { ready } = await this.processors()
    const missing = await Promise.all(ready.map(({ queued }) => missingColumns(this.queue.records, queued.table)))
    return ready.filter((_, index) => missing[index]?.length === 0)
  }

  /** The migrations of the plugins; those of ops come on top. */
  migrationSources(): MigrationSource[] {
    return this.registry.plugins
      .filter(({ migrations }) => migrations !== undefined)
      .map(({ name, root, migrations }) => ({ name, directory: join(root, migrations!) }))
      .sort((a, b) => a.name.localeCompare(b.name))
  }

  async close(): Promise<void> {
    await this.queue.close()
  }

  async #load(declared: DeclaredProcessor): Promise<ReadyProcessor> {
    const processor = declared.module === undefined ? await this.#loadCommand(declared) : await loadProcessor(declared)
    const settings = await this.#settingsOf(declared, processor)
    return { processor, settings, queued: toQueuedTable(processor, settings) }
  }

  async #loadCommand(declared: DeclaredCommand): Promise<AnyProcessor> {
    const { table } = declared.command
    const columns = (await this.queue.exists()) ? await this.queue.records.columns(table) : undefined
    if (!columns) throw new TaskTableMissingError(declared.name, table, this.queue.name)
    return commandProcessor(declared, columns)
  }

  async #settingsOf({ plugin }: DeclaredProcessor, { settings: schema }: AnyProcessor): Promise<unknown> {
    const { shortName } = this.registry.plugins.find(({ name }) => name === plugin.name)!
    const given = this.config.plugins?.[shortName] ?? {}
    if (!schema) return given
    const { value, problems } = await checkAgainst(schema, given, `plugins.${shortName}`)
    if (problems.length > 0) throw new InvalidConfigurationError(this.file ?? 'The configuration', problems)
    return value
  }
}

/** Two processors of one table would take each other's tasks. */
function tableTaken({ name, plugin }: DeclaredProcessor, table: string, owner: DeclaredProcessor): OpsError {
  const label = `"${name}" of ${plugin.name}@${plugin.version}`
  return new OpsError(
    'TABLE_TAKEN',
    `The processor ${label} cannot be used: its table "${table}" belongs to "${owner.name}" of ${owner.plugin.name}.`,
    { where: name, suggestions: ['use another table for one of them', ...removeSuggestion(plugin)] },
  )
}

/** Loads the configuration. Nothing is written, and the database is opened later. */
export async function openProject({ cwd, file, env, plugins, broken }: ProjectOptions): Promise<Project> {
  const { config, directory, file: found } = await loadConfig({ cwd, file, env })
  // systemd sets STATE_DIRECTORY; several folders are separated by colons.
  const given = env.OPS_HOME ?? env.STATE_DIRECTORY?.split(':')[0]
  // If the project is installed on this machine, its tasks are those of the units.
  const installed =
    given === undefined ? installedState(config.name ?? serverName(basename(directory)), { directory, env }) : undefined
  const stateDirectory = given ?? installed?.stateDirectory ?? join(directory, '.ops')
  // Tasks in somebody else's database would run programs as this user.
  if (given === undefined && installed === undefined && existsSync(stateDirectory) && !isNamed({ cwd, file, env })) {
    checkTrusted(stateDirectory, { what: 'state folder', env })
  }
  const url =
    env.OPS_DATABASE_URL ?? installed?.databaseUrl ?? config.database ?? `sqlite:${join(stateDirectory, 'ops.db')}`
  const services = Object.values(config.services ?? {}).map((service) => ({ ...service.env }))
  hideSecrets({ env, url, services, worker: config.worker?.env ?? {}, plugins: config.plugins ?? {} })
  const queue = await openQueue(url, { directory, synchronous: config.sqlite?.synchronous })
  return new Project({
    config,
    file: found,
    directory,
    stateDirectory,
    queue,
    registry: new ProcessorRegistry(
      plugins,
      [...(broken ?? []), ...unknownSettings(plugins, config)],
      disabledPlugins(plugins, { config, file: found }),
      (name) => found === undefined || (config.pluginsReplace ?? []).includes(name),
    ),
  })
}
