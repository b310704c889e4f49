import { mkdirSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { type Sql, violations } from './invariants.ts'
import { allTables, type Kind, kinds, torturePlugin } from './kinds.ts'
import { type Mark, readMarks, wrongMarks } from './marks.ts'
import { taskProcesses } from './task-processes.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { type DatabaseKind, databaseAt, type TestDatabase } from './test-database.ts'
import { TestProject } from './test-project.ts'

/** A project whose tasks leave marks outside the database. */
export class TortureProject extends TestProject {
  readonly sql: Sql

  private constructor({ url, sql }: TestDatabase) {
    super()
    this.sql = sql
    this.env.OPS_DATABASE_URL = url
  }

  static async on(kind: DatabaseKind): Promise<TortureProject> {
    const database = databaseAt(await kind.urlIn(temporaryFolder()))
    onTestFinished(() => database.close())
    const project = new TortureProject(database)
    project.link({ name: 'ops-plugin-torture', root: torturePlugin })
    mkdirSync(project.path('locks'))
    await project.ops('migrate')
    return project
  }

  async add(kind: Kind, columns: Readonly<Record<string, string | number>> = {}): Promise<void> {
    const names = Object.keys(columns).join(', ')
    const values = Object.values(columns).map((value) => (typeof value === 'number' ? value : `'${value}'`))
    await this.sql(
      `insert into ${kinds[kind]} ${names === '' ? 'default values' : `(${names}) values (${values.join(', ')})`}`,
    )
  }

  async statusOf(kind: Kind, id: number): Promise<string> {
    const [task] = await this.sql(`select status from ${kinds[kind]} where id = ${id}`)
    return String(task?.status)
  }

  /** How the runs of a task ended, the oldest first; `open` for one that has not. */
  async runsOf(kind: Kind, id: number): Promise<string[]> {
    const runs = await this.sql(
      `select coalesce(outcome, 'open') as outcome from ops_runs
       where task_table = '${kinds[kind]}' and task_id = ${id} order by id`,
    )
    return runs.map(({ outcome }) => String(outcome))
  }

  /** The tasks that are not at their end. */
  async unsettled(): Promise<string[]> {
    const found: string[] = []
    for (const table of allTables) {
      const rows = await this.sql(`select id, status from ${table} where status in ('pending', 'ongoing')`)
      found.push(...rows.map(({ id, status }) => `${table} ${id} is ${status}`))
    }
    return found
  }

  /** What lives of its tasks. */
  processes(): number[] {
    return taskProcesses(this.directory)
  }

  marks(): Mark[] {
    return readMarks(this.path('marks'))
  }

  /** All that is wrong with the database and with what was done. */
  async problems(): Promise<string[]> {
    return [
      ...(await violations(this.sql, allTables)),
      ...(await wrongMarks(this.marks(), this.sql)).map(({ text }) => text),
    ]
  }
}
