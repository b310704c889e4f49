import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAgainst } from '../config/standard-schema.ts'
import { InvalidConfigurationError, problemLine } from '../errors.ts'
import { type AnyProcessor, inputSchema, type Processor } from '../processor/define-processor.ts'
import { type ReadyProcessor, toQueuedTable } from '../processor/ready-processor.ts'
import type { EnqueueOptions } from '../queue/enqueue.ts'
import { openQueue } from '../queue/open-queue.ts'
import type { MigrationSource, Queue } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { checkTask } from '../task-table/check-task.ts'
import { createdTables, createTable, dialects } from '../task-table/create-table.ts'
import type { TaskIdOf, TaskTable } from '../task-table/task-table.ts'
import type { RunEnvironment } from '../worker/run-context.ts'
import { type FinishedTask, RunningTask } from './running-task.ts'

export interface TestBenchOptions {
  /** The plugin's part of the configuration, `{}` by default; checked by the processor's schema. */
  readonly settings?: unknown
  /**
   * The folder with the plugin's migrations, with `sqlite/` or `postgres/` in it. Without it, the tables are created from
   * their descriptions.
   */
  readonly migrations?: string
  /** The URL of the database, such as `postgres://…`; a new SQLite file by default. */
  readonly database?: string
}

/**
 * One processor with its own project and database in a temporary folder. Tasks are performed as by a worker, but each only
 * when the test asks for it.
 */
export class TestBench<Select extends object = object, Insert extends object = object> {
  /** The absolute path of the project, to which relative paths in tasks refer. */
  readonly directory: string
  /** The absolute path of its state directory, `.ops`: logs and work directories of tasks. */
  readonly stateDirectory: string
  readonly #ready: ReadyProcessor
  readonly #environment: RunEnvironment
  readonly #running = new Set<RunningTask<Select>>()

  /** Use `openTestBench`. */
  constructor(ready: ReadyProcessor, environment: RunEnvironment) {
    this.#ready = ready
    this.#environment = environment
    this.directory = environment.projectDirectory
    this.stateDirectory = environment.stateDirectory
  }

  /**
   * Adds a task, checked like in `ops enqueue`, and returns its id.
   *
   * @throws Error with every problem of the values
   */
  async add(values: Insert, options: EnqueueOptions = {}): Promise<TaskIdOf<Select>> {
    const { processor, settings, queued } = this.#ready
    const schema = inputSchema(processor, settings)
    const problems = checkTask(queued.table, values as Record<string, unknown>)
    const checked = schema && problems.length === 0 ? await checkAgainst(schema, values, '') : undefined
    problems.push(...(checked?.problems ?? []))
    if (problems.length > 0)
      throw new Error(`Invalid task for "${processor.name}": ${problems.map(problemLine).join('; ')}`)
    const row = { ...(values as Record<string, unknown>), ...(checked?.value as object | undefined) }
    const [added] = await this.#queue.enqueue(queued.table, [row], options)
    return added!.id as TaskIdOf<Select>
  }

  /** Adds a task to another table, such as one that tasks wait for, and returns its id. It is not performed. */
  async addTo<OtherSelect extends object, OtherInsert extends object>(
    table: TaskTable<OtherSelect, OtherInsert>,
    values: NoInfer<OtherInsert>,
  ): Promise<TaskIdOf<OtherSelect>> {
    const [added] = await this.#queue.enqueue(table, [values as Record<string, unknown>])
    return added!.id as TaskIdOf<OtherSelect>
  }

  /**
   * Adds a task and performs it. It does not reject if the task fails: see `outcome` and `task.error`.
   *
   * @throws Error with every problem of the values
   */
  async perform(values: Insert): Promise<FinishedTask<Select>> {
    return (await this.start(values)).ended
  }

  /**
   * Adds a task and starts to perform it.
   *
   * @throws Error with every problem of the values, or if the task may not run now
   */
  async start(values: Insert): Promise<RunningTask<Select>> {
    const id = await this.add(values)
    const running = await this.startNext()
    if (!running) throw new Error(`${this.#ready.processor.name} ${id} may not run now.`)
    return running
  }

  /** Performs the next task as a worker would choose it; undefined if no task may run now. */
  async performNext(): Promise<FinishedTask<Select> | undefined> {
    return (await this.startNext())?.ended
  }

  /** Starts to perform the next task as a worker would choose it; undefined if no task may run now. */
  async startNext(): Promise<RunningTask<Select> | undefined> {
    const claim = await this.#queue.claim([this.#ready.queued])
    if (!claim) return undefined
    const running = new RunningTask<Select>(claim, this.#ready, this.#environment)
    this.#running.add(running)
    void running.ended.finally(() => this.#running.delete(running)).catch(() => {})
    return running
  }

  /** Makes a task due that waits for its retry or its `runAt`. */
  async skipWait(id: TaskIdOf<Select>): Promise<void> {
    await this.#queue.makeDue(this.#ready.queued.table, id)
  }

  /** The row of a task as it is now; undefined if it does not exist. */
  async find(id: TaskIdOf<Select>): Promise<Select | undefined> {
    return (await this.#queue.find(this.#ready.queued.table, id)) as Select | undefined
  }

  /** The Drizzle database that processors get as `context.database`. */
  // biome-ignore lint/suspicious/noExplicitAny: which Drizzle it is depends on the database
  get database(): any {
    return this.#queue.drizzle()
  }

  /** Interrupts running tasks, closes the database and removes the project. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.interrupt().catch(() => {})))
    await this.#queue.close()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #queue(): Queue {
    return this.#environment.queue
  }
}

/**
 * Opens a test bench for a processor. Close it at the end of the test: `t.after(() => bench.close())`.
 *
 * @throws InvalidConfigurationError if the processor's schema refuses the settings
 * @throws Error if the migrations do not create the table, or leave out columns
 */
export async function openTestBench<
  Select extends object,
  Insert extends object,
  Own extends object,
  Settings = unknown,
>(
  processor: Processor<Select, Insert, Own, Settings>,
  { settings: given = {}, migrations, database = 'sqlite:.ops/ops.db' }: TestBenchOptions = {},
): Promise<TestBench<Select, Insert>> {
  const settings = await checkedSettings(processor, given)
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'ops-bench-'))
  const stateDirectory = join(directory, '.ops')
  const queued = toQueuedTable(processor, settings)
  const queue = await openQueue(database, { directory })
  try {
    await queue.migrate(sourcesOf(queued.table, migrations, stateDirectory), [queued])
    await requireColumns(queue, queued.table)
    const workerId = `bench-${process.pid}`
    await queue.startWorker({ id: workerId, host: 'test', pid: process.pid, version: '0' })
    const environment = { queue, workerId, stateDirectory, projectDirectory: directory }
    return new TestBench({ processor, settings, queued }, environment)
  } catch (error) {
    await queue.close()
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

async function requireColumns(queue: Queue, table: TaskTable): Promise<void> {
  const missing = await missingColumns(queue.records, table)
  const advice = 'generate the next one: ops generate migration'
  if (!missing) throw new Error(`The migrations do not create the table "${table.name}"; ${advice}`)
  if (missing.length > 0) {
    throw new Error(`The migrations create "${table.name}" without ${missing.join(', ')}; ${advice}`)
  }
}

async function checkedSettings({ name, settings: schema }: AnyProcessor, given: unknown): Promise<unknown> {
  if (!schema) return given
  const { value, problems } = await checkAgainst(schema, given, 'settings')
  if (problems.length > 0)
    throw new InvalidConfigurationError(`The configuration given to the test bench of "${name}"`, problems)
  return value
}

/** The plugin's migrations, preceded by one that creates the referenced tables that they do not. */
function sourcesOf(table: TaskTable, migrations: string | undefined, stateDirectory: string): MigrationSource[] {
  const tables = withReferenced(table)
  if (migrations === undefined) return [descriptionsOf(tables, stateDirectory)]
  const made = createdTables(migrations)
  const others = tables.filter(({ name }) => name !== table.name && !made.has(name))
  return [descriptionsOf(others, stateDirectory), { name: 'plugin', directory: migrations }]
}

/** A migration that creates tables from their descriptions, for either database. */
function descriptionsOf(tables: readonly TaskTable[], stateDirectory: string): MigrationSource {
  const directory = join(stateDirectory, 'described')
  for (const dialect of dialects) {
    mkdirSync(join(directory, dialect), { recursive: true })
    const statements = tables.flatMap((each) => createTable(each, dialect))
    writeFileSync(join(directory, dialect, '0000_described.sql'), statements.join('\n--> statement-breakpoint\n'))
  }
  return { name: 'described', directory }
}

/** A task table after all that it references, in the order in which they can be created. */
function withReferenced(table: TaskTable, found: readonly TaskTable[] = []): TaskTable[] {
  if (found.some(({ name }) => name === table.name)) return [...found]
  const targets = Object.values(table.columns).flatMap(({ target }) => (target ? [target()] : []))
  const others = targets.filter(({ name }) => name !== table.name)
  const before = others.reduce<TaskTable[]>((all, other) => withReferenced(other, all), [...found])
  return before.some(({ name }) => name === table.name) ? before : [...before, table]
}
