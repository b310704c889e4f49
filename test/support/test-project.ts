import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { processStat } from '../../src/platform/proc.ts'
import { isOpsRunning, type OpsResult, opsProgram, runOps } from './run-ops.ts'
import { RunningOps } from './running-ops.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { Terminal } from './terminal.ts'
import { until } from './until.ts'

export { opsProgram }

const root = dirname(dirname(import.meta.dirname))

export const probePlugin = join(root, 'test', 'fixtures', 'plugin-probe')

/** Enables every bundled plugin in a configuration. */
export const everyPlugin = { build: {}, deploy: {}, exec: {}, transfer: {} }

interface Plugin {
  readonly name: string
  readonly root: string
}

interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** What `ops migrate` makes with the probe plugin, by what is enabled beside it: to copy it takes a tenth of the time. */
const migratedStates = new Map<string, readonly CopiedFile[]>()

/** An empty folder, and `ops` in it as a process of its own. Everything is gone after the test. */
export class TestProject {
  readonly directory = temporaryFolder()
  readonly env: Record<string, string | undefined>
  private readonly program: string
  private opened: Database.Database | undefined

  /** @param program what is run as `ops` */
  constructor(program = opsProgram) {
    this.program = program
    this.env = opsEnvironment(temporaryFolder())
  }

  /** A project that has the probe plugin, and its tables. */
  static async withProbe(config?: Config): Promise<TestProject> {
    const project = TestProject.#withProbeOnly(config)
    if (config?.database !== undefined) await project.ops('migrate')
    else writeFolder(project.path('.ops'), await TestProject.#migrated(config))
    return project
  }

  static #withProbeOnly(config: Config | undefined): TestProject {
    const project = new TestProject()
    project.link({ name: 'ops-plugin-probe', root: probePlugin })
    if (config) project.write('ops.config.json', JSON.stringify(config))
    return project
  }

  /** With a configuration, the bundled plugins that it names are enabled. */
  static async #migrated(config: Config | undefined): Promise<readonly CopiedFile[]> {
    const key = JSON.stringify(config && Object.keys(config.plugins ?? {}))
    const known = migratedStates.get(key)
    if (known) return known
    const template = TestProject.#withProbeOnly(config && { plugins: config.plugins ?? {} })
    await template.ops('migrate')
    const state = readFolder(template.path('.ops'))
    migratedStates.set(key, state)
    return state
  }

  /** A project with a configuration, in whose own folder its plugins are kept. */
  static withConfig(config: Config = {}): TestProject {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    project.write('ops.config.json', JSON.stringify(config))
    return project
  }

  /** Links plugins, as `ops plugins link` does. */
  link(...plugins: Plugin[]): void {
    linkPlugins(this.env.OPS_DATA_DIR!, plugins)
  }

  /** The same in a project whose plugins are kept in its own folder. */
  linkHere(...plugins: Plugin[]): void {
    mkdirSync(this.path('.ops/plugins'), { recursive: true })
    linkPlugins(this.path('.ops/plugins'), plugins)
  }

  /** What `ops plugins install` leaves in a project of these folders, without a registry: npm takes a second for each. */
  placeHere(...folders: string[]): void {
    const manifests = folders.map((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
    for (const [index, { name }] of manifests.entries()) {
      const to = this.path(join('.ops/plugins/node_modules', name))
      rmSync(to, { recursive: true, force: true })
      cpSync(folders[index]!, to, { recursive: true })
    }
    const manifest = JSON.parse(this.read('.ops/plugins/package.json') || '{}')
    const others = (manifest.oclif?.plugins ?? []).filter(
      (listed: Plugin) => !manifests.some(({ name }) => name === listed.name),
    )
    const placed = manifests.map(({ name, ops }, index) => ({
      ...{ name, type: 'user', spec: folders[index] },
      // As pluginPackage names them.
      tables: Object.keys(ops.processors).map((processor) => `${processor}s`),
    }))
    const dependencies = Object.fromEntries(manifests.map(({ name, version }) => [name, version]))
    this.write('.ops/plugins/.gitignore', 'node_modules/\n')
    this.write(
      '.ops/plugins/package.json',
      JSON.stringify({
        oclif: { schema: 1, plugins: [...others, ...placed] },
        dependencies: { ...manifest.dependencies, ...dependencies },
      }),
    )
  }

  /** Runs `ops` to its end, whatever that is, and in this process where that makes no difference. */
  async ops(...args: string[]): Promise<OpsResult> {
    return this.opsWith({}, ...args)
  }

  async opsWith(options: RunOptions, ...args: string[]): Promise<OpsResult> {
    const { cwd = this.directory, input, env } = options
    // This process has one working directory and one environment: two commands at a time are two processes.
    if (this.program !== opsProgram || isOpsRunning()) return this.opsProcessWith(options, ...args)
    return runOps(args, { cwd, env: { ...this.env, ...env }, input })
  }

  /** Runs `ops` as a process of its own: where signals, crashes, pipes or processes are what a test is about. */
  async opsProcess(...args: string[]) {
    return this.opsProcessWith({}, ...args)
  }

  /** @param options.node the program that runs it */
  async opsProcessWith(options: RunOptions & { node?: string }, ...args: string[]) {
    const { node = process.execPath, cwd = this.directory, input, env } = options
    return execa(node, [this.program, ...args], {
      cwd,
      env: { ...this.env, ...env },
      extendEnv: false,
      reject: false,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    })
  }

  /** Starts `ops` and goes on. */
  start(...args: string[]): RunningOps {
    return this.startWith({}, ...args)
  }

  /**
   * Starts `ops` at a terminal.
   *
   * @param columns undefined where nothing is known of its size
   */
  startAtTerminal(columns: number | undefined, ...args: string[]): Terminal {
    const argv = [process.execPath, this.program, ...args]
    const terminal = new Terminal(argv, { cwd: this.directory, env: this.env, columns })
    onTestFinished(() => terminal.close())
    return terminal
  }

  startWith(env: Record<string, string>, ...args: string[]): RunningOps {
    const ops = new RunningOps([this.program, ...args], { cwd: this.directory, env: { ...this.env, ...env } })
    onTestFinished(() => ops.destroy())
    return ops
  }

  /** The database through a connection that is not ops'. */
  get database(): Database.Database {
    this.opened ??= this.openDatabase('.ops/ops.db')
    return this.opened
  }

  openDatabase(name: string): Database.Database {
    const database = new Database(this.path(name), { timeout: 5000 })
    onTestFinished(() => void database.close())
    return database
  }

  rows<Row = Record<string, unknown>>(sql: string, ...values: unknown[]): Row[] {
    return this.database.prepare(sql).all(...values) as Row[]
  }

  value<Value = unknown>(sql: string, ...values: unknown[]): Value {
    return this.database
      .prepare(sql)
      .pluck()
      .get(...values) as Value
  }

  /** Adds a task of the processor `script` and returns its id. */
  addScript(script: string): number {
    return Number(this.database.prepare('insert into scripts (script) values (?)').run(script).lastInsertRowid)
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  write(name: string, text: string): string {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : ''
  }

  /** The process that a script names in a file, as soon as it does. */
  async pid(name: string): Promise<number> {
    await until(() => this.read(name).endsWith('\n'), `${name} holds the id of a process`)
    return Number(this.read(name))
  }
}

interface CopiedFile {
  readonly name: string
  readonly mode: number
  readonly bytes: Buffer
}

function readFolder(folder: string): CopiedFile[] {
  return readdirSync(folder).map((name) => {
    const path = join(folder, name)
    return { name, mode: statSync(path).mode, bytes: readFileSync(path) }
  })
}

function writeFolder(folder: string, files: readonly CopiedFile[]): void {
  mkdirSync(folder)
  for (const { name, mode, bytes } of files) writeFileSync(join(folder, name), bytes, { mode })
}

export function linkPlugins(dataDirectory: string, plugins: readonly Plugin[]): void {
  const oclif = { schema: 1, plugins: plugins.map((plugin) => ({ type: 'link', ...plugin })) }
  writeFileSync(join(dataDirectory, 'package.json'), JSON.stringify({ dependencies: {}, oclif }))
}

export function isRunning(pid: number): boolean {
  const stat = processStat(pid)
  return stat !== undefined && stat.state !== 'Z'
}

// What a program needs of a machine. The rest of it (CI, NO_COLOR, OPS_HOME, npm_config_registry …) would change what ops does.
const INHERITED = /^(PATH|LANG|LC_\w+|TZ|TMPDIR|USER|LOGNAME|SHELL|NODE_EXTRA_CA_CERTS|LD_LIBRARY_PATH)$/

/** An environment for `ops` in which nothing of this machine's own has a part. */
export function opsEnvironment(home: string): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name))
  return { ...Object.fromEntries(inherited), HOME: home, ...folders(home) }
}

function folders(home: string): Record<string, string> {
  const names = { OPS_DATA_DIR: 'data', OPS_CONFIG_DIR: 'config', OPS_CACHE_DIR: 'cache' }
  return Object.fromEntries(
    Object.entries(names).map(([variable, name]) => {
      mkdirSync(join(home, name))
      return [variable, join(home, name)]
    }),
  )
}
