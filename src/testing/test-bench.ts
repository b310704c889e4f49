import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAgainst } from '../config/standard-schema.ts'
import { InvalidConfigurationError } from '../errors.ts'
import { type AnyProcessor, inputSchema, type Processor } from '../processor/define-processor.ts'
import { type ReadyProcessor, toQueuedTable } from '../processor/ready-processor.ts'
import type { EnqueueOptions } from '../queue/enqueue.ts'
import { openQueue } from '../queue/open-queue.ts'
import type { MigrationSource, Queue } from '../queue/queue.ts'
import { checkTask } from '../task-table/check-task.ts'
import { createTable, dialects } from '../task-table/create-table.ts'
import { tablesMadeBy } from '../task-table/tables-made-by.ts'
import type { TaskIdOf, TaskTable } from '../task-table/task-table.ts'
import type { RunEnvironment } from '../worker/run-context.ts'
import { type FinishedTask, RunningTask } from './running-task.ts'

export interface TestBenchOptions {
  /** The plugin's part of the configuration, checked by the processor's own schema. */
  readonly settings?: unknown
  /** The folder with the plugin's migrations. Without it the tables are made from their descriptions. */
  readonly migrations?: string
  /** Such as `postgres://…`; a SQLite file of its own by default. */
  readonly database?: string
}

/**
 * One processor with a database and a project of its own, in a temporary folder. Tasks are performed as a worker
 * performs them, each when the test says so.
 */
export class TestBench<Select extends object = object, Insert extends object = object> {
  /** The project: what paths of tasks are relative to. Its `.ops` is the state directory. */
  readonly directory: string
  readonly stateDirectory: string
  readonly #ready: ReadyProcessor
  readonly #environment: RunEnvironment
  readonly #running = new Set<RunningTask<Select>>()

  /** Made by `openTestBench`. */
  constructor(ready: ReadyProcessor, environment: RunEnvironment) {
    this.#ready = ready
    this.#environment = environment
    this.directory = environment.projectDirectory
    this.stateDirectory = environment.stateDirectory
  }

  /**
   * Adds a task, checked as `ops enqueue` checks it, and returns its id.
   *
   * @throws Error that names everything that is wrong with the values
   */
  async add(values: Insert, options: EnqueueOptions = {}): Promise<TaskIdOf<Select>> {
    const { processor, settings, queued } = this.#ready
    const schema = inputSchema(processor, settings)
    const problems = checkTask(queued.table, values as Record<string, unknown>)
    const checked = schema && problems.length === 0 ? await checkAgainst(schema, values, '') : undefined
    problems.push(...(checked?.problems ?? []))
    if (problems.length > 0) throw new Error(`${processor.name} does not take this task: ${problems.join('; ')}`)
    const row = { ...(values as Record<string, unknown>), ...(checked?.value as object | undefined) }
    const [added] = await this.#queue.enqueue(queued.table, [row], options)
    return added!.id as TaskIdOf<Select>
  }

  /** Adds a task of another table, such as one that tasks wait for. It is not performed; see `settle`. */
  async addTo<OtherSelect extends object, OtherInsert extends object>(
    table: TaskTable<OtherSelect, OtherInsert>,
    values: NoInfer<OtherInsert>,
  ): Promise<TaskIdOf<OtherSelect>> {
    const [added] = await this.#queue.enqueue(table, [values as Record<string, unknown>])
    return added!.id as TaskIdOf<OtherSelect>
  }

  /** Adds a task, performs it, and says what became of it. */
  async perform(values: Insert): Promise<FinishedTask<Select>> {
    return (await this.start(values)).ended
  }

  /** Adds a task and begins to perform it. */
  async start(values: Insert): Promise<RunningTask<Select>> {
    const id = await this.add(values)
    const running = await this.startNext()
    if (!running) throw new Error(`${this.#ready.processor.name} ${id} may not run now`)
    return running
  }

  /** Performs the task that a worker would take now; undefined when there is none, or none that may run. */
  async performNext(): Promise<FinishedTask<Select> | undefined> {
    return (await this.startNext())?.ended
  }

  /** Begins to perform the task that a worker would take now. */
  async startNext(): Promise<RunningTask<Select> | undefined> {
    const claim = await this.#queue.claim([this.#ready.queued])
    if (!claim) return undefined
    const running = new RunningTask<Select>(claim, this.#ready, this.#environment)
    this.#running.add(running)
    void running.ended.finally(() => this.#running.delete(running)).catch(() => {})
    return running
  }

  /** Lets the time pass that a task waits for before it is tried again, or that it was scheduled for. */
  async skipWait(id: TaskIdOf<Select>): Promise<void> {
    const table = this.#ready.queued.table.name
    const key = typeof id === 'number' ? id : `'${String(id).replaceAll("'", "''")}'`
    await execute(this.#queue, `update "${table}" set run_at = created_at where id = ${key}`)
  }

  /** A task of the processor's table as it is now. */
  async find(id: TaskIdOf<Select>): Promise<Select | undefined> {
    return (await this.#queue.find(this.#ready.queued.table, id)) as Select | undefined
  }

  /** Drizzle, as processors have it. */
  // biome-ignore lint/suspicious/noExplicitAny: which Drizzle it is depends on the database
  get database(): any {
    return this.#queue.drizzle()
  }

  /** Ends what still runs and removes everything. */
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
 * @throws InvalidConfigurationError when the processor's schema refuses the settings
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
    await needColumns(queue, queued.table)
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

async function needColumns(queue: Queue, table: TaskTable): Promise<void> {
  const missing = await queue.missingColumns(table)
  const advice = 'write the next one: ops generate migration'
  if (!missing) throw new Error(`The migrations make no table "${table.name}"; ${advice}`)
  if (missing.length > 0) {
    throw new Error(`The migrations make "${table.name}" without ${missing.join(', ')}; ${advice}`)
  }
}

async function checkedSettings({ name, settings: schema }: AnyProcessor, given: unknown): Promise<unknown> {
  if (!schema) return given
  const { value, problems } = await checkAgainst(schema, given, 'settings')
  if (problems.length > 0) throw new InvalidConfigurationError(`What the test bench of "${name}" is given`, problems)
  return value
}

/** The plugin's migrations, and in front of them those that make what they do not make. */
function sourcesOf(table: TaskTable, migrations: string | undefined, stateDirectory: string): MigrationSource[] {
  const tables = withReferenced(table)
  if (migrations === undefined) return [described(tables, stateDirectory)]
  const made = tablesMadeBy(migrations)
  const others = tables.filter(({ name }) => name !== table.name && !made.has(name))
  return [described(others, stateDirectory), { name: 'plugin', directory: migrations }]
}

/** Migrations that make tables as they are described. */
function described(tables: readonly TaskTable[], stateDirectory: string): MigrationSource {
  const directory = join(stateDirectory, 'described')
  for (const dialect of dialects) {
    mkdirSync(join(directory, dialect), { recursive: true })
    const statements = tables.flatMap((each) => createTable(each, dialect))
    writeFileSync(join(directory, dialect, '0000_described.sql'), statements.join('\n--> statement-breakpoint\n'))
  }
  return { name: 'described', directory }
}

/** The task table behind those that it references, which have to be there first. */
function withReferenced(table: TaskTable, found: readonly TaskTable[] = []): TaskTable[] {
  if (found.some(({ name }) => name === table.name)) return [...found]
  const targets = Object.values(table.columns).flatMap(({ target }) => (target ? [target()] : []))
  const others = targets.filter(({ name }) => name !== table.name)
  const before = others.reduce<TaskTable[]>((all, other) => withReferenced(other, all), [...found])
  return before.some(({ name }) => name === table.name) ? before : [...before, table]
}

/** One statement that is the same for both databases; Drizzle calls it by two names. */
async function execute(queue: Queue, statement: string): Promise<void> {
  const database = queue.drizzle() as { run?(sql: string): unknown; execute?(sql: string): unknown }
  await (database.run ? database.run(statement) : database.execute!(statement))
}
