import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Sql, violations } from '../support/invariants.ts'
import { allTables, torturePlugin } from '../support/kinds.ts'
import { readMarks, wrongMarks } from '../support/marks.ts'
import { RunningOps } from '../support/running-ops.ts'
import { launch, type Program } from '../support/start-program.ts'
import { taskProcesses } from '../support/task-processes.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { type DatabaseKind, databaseAt, type TestDatabase } from '../support/test-database.ts'
import { linkPlugins, opsEnvironment, opsProgram } from '../support/test-project.ts'

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
    this.#env = { ...opsEnvironment(join(folder, 'home')), OPS_DATABASE_URL: database.url }
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

  /** Every broken promise, once all work has ended. */
  async problems(): Promise<string[]> {
    const { pending = 0, ongoing = 0 } = await this.statuses()
    const marks = readMarks(join(this.#directory, 'marks'))
    return [
      ...(pending > 0 ? [`${pending} tasks are still pending`] : []),
      ...(ongoing > 0 ? [`${ongoing} tasks are still ongoing`] : []),
      ...taskProcesses(this.#directory).map((pid) => `process ${pid} of a task is still running`),
      ...(await violations(this.sql, allTables)),
      ...(await wrongMarks(marks, this.sql)),
    ]
  }

  async remove(): Promise<void> {
    await this.#database.close()
    removeFolder(this.#folder)
  }
}
