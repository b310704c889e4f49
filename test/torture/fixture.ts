import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Sql, violations } from '../support/invariants.ts'
import { allTables, torturePlugin } from '../support/kinds.ts'
import { readMarks, type WrongMark, wrongMarks } from '../support/marks.ts'
import { RunningOps } from '../support/running-ops.ts'
import { launch, type Program } from '../support/start-program.ts'
import { taskProcesses } from '../support/task-processes.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { type DatabaseKind, databaseAt, type TestDatabase } from '../support/test-database.ts'
import { linkPlugins, opsEnvironment, opsProgram } from '../support/test-project.ts'

/** A broken promise. */
export interface TortureProblem {
  readonly kind: WrongMark['kind'] | 'violation' | 'other'
  readonly text: string
}

/** A project in its own folder, whose processes are killed. */
export class TortureFixture {
  readonly sql: Sql
  readonly #folder: string
  readonly #directory: string
  readonly #env: Record<string, string | undefined>
  readonly #database: TestDatabase

  private constructor(folder: string, database: TestDatabase) {
    this.#folder = folder
    this.#directory = join(folder, 'project')
    mkdirSync(join(this.#directory, 'locks'), { recursive: true })
    mkdirSync(join(folder, 'home'))
    const { NODE_COMPILE_CACHE } = process.env
    this.#env = { ...opsEnvironment(join(folder, 'home')), NODE_COMPILE_CACHE, OPS_DATABASE_URL: database.url }
    linkPlugins(this.#env.OPS_DATA_DIR!, [{ name: 'ops-plugin-torture', root: torturePlugin }])
    this.#database = database
    this.sql = database.sql
  }

  static async create(kind: DatabaseKind): Promise<TortureFixture> {
    const folder = makeFolder()
    const fixture = new TortureFixture(folder, databaseAt(await kind.urlIn(folder)))
    const options = { cwd: fixture.#directory, env: fixture.#env, extendEnv: false, reject: false }
    await execa(process.execPath, [opsProgram, 'migrate'], options)
    return fixture
  }

  startWorker(): RunningOps {
    const flags = ['--poll-interval', '1s', '--grace', '5s']
    return new RunningOps([opsProgram, 'worker', ...flags], { cwd: this.#directory, env: this.#env })
  }

  startWriter(how: 'ops' | 'sql', seed: number): Program {
    return launch(join(import.meta.dirname, 'programs', 'writer.ts'), how, this.#database.url, String(seed))
  }

  startMigrator(seed: number): Program {
    return launch(join(import.meta.dirname, 'programs', 'migrator.ts'), this.#database.url, String(seed))
  }

  /** How many tasks are in each status. */
  async statuses(): Promise<Record<string, number>> {
    const statuses: Record<string, number> = {}
    for (const table of allTables) {
      for (const { status, tasks } of await this.sql(
        `select status, count(*) as tasks from ${table} group by status`,
      )) {
        statuses[String(status)] = (statuses[String(status)] ?? 0) + Number(tasks)
      }
    }
    return statuses
  }

  /**
   * Every broken promise, once all work has ended.
   *
   * @param added how many tasks there were
   * @param isMigrated whether triggers were missing meanwhile
   */
  async problems(added: number, isMigrated: boolean): Promise<TortureProblem[]> {
    const { pending = 0, ongoing = 0, ...settled } = await this.statuses()
    const rows = Object.values(settled).reduce((sum, count) => sum + count, pending + ongoing)
    const pruned = await this.#pruned()
    const marks = readMarks(join(this.#directory, 'marks'))
    const of = (kind: TortureProblem['kind'], texts: readonly string[]) => texts.map((text) => ({ kind, text }))
    return [
      ...of('lost', pending > 0 ? [`${pending} tasks are still pending`] : []),
      ...of('lost', ongoing > 0 ? [`${ongoing} tasks are still ongoing`] : []),
      ...of(
        'lost',
        rows + pruned.tasks >= added ? [] : [`${added} tasks were added, ${rows + pruned.tasks} are known`],
      ),
      ...of(
        'other',
        taskProcesses(this.#directory).map((pid) => `process ${pid} of a task is still running`),
      ),
      ...of('violation', await violations(this.sql, allTables, { isWholeHistory: !isMigrated })),
      ...(await wrongMarks(marks, this.sql, pruned.runs)),
    ]
  }

  async #pruned(): Promise<{ tasks: number; runs: number }> {
    const passes = await this.sql(`select detail from ops_events where event = 'pruned'`)
    const sum = { tasks: 0, runs: 0 }
    for (const { detail } of passes) {
      const { tasks, runs } = typeof detail === 'string' ? JSON.parse(detail) : (detail as typeof sum)
      sum.tasks += tasks
      sum.runs += runs
    }
    return sum
  }

  async remove(): Promise<void> {
    await this.#database.close()
    removeFolder(this.#folder)
  }
}
