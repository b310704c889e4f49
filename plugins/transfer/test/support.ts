import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import * as v from 'valibot'
import { onTestFinished } from 'vitest'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { openQueue } from '../../../src/queue/open-queue.ts'
import { performTask } from '../../../src/worker/perform-task.ts'
import { RunContext } from '../../../src/worker/run-context.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import exportProcessor, { exports } from '../src/export.ts'
import importProcessor, { imports } from '../src/import.ts'
import { settings as schema } from '../src/settings.ts'

type ImportValues = (typeof imports)['$inferInsert']
type ExportValues = (typeof exports)['$inferInsert']

/** A project with a SQLite database, in which imports and exports run as in a worker. */
export async function openBench(sql: string, options: object = {}) {
  const project = temporaryFolder()
  const parts = await openBenchOn('sqlite:.ops/ops.db', project, options)
  const database = new Database(join(project, '.ops', 'ops.db'), { timeout: 5000 })
  onTestFinished(() => void database.close())
  database.exec(sql)
  return { ...parts, database, rows: (query: string) => database.prepare(query).all() as Record<string, unknown>[] }
}

/** The same with PostgreSQL. */
export async function openPostgresBench(sql: string, options: object = {}) {
  const { connect, postgresUrl } = await import('../../../test/support/postgres-fixture.ts')
  const url = await postgresUrl()
  const parts = await openBenchOn(url, temporaryFolder(), options)
  const database = await connect(url)
  await database.query(sql)
  return { ...parts, database, rows: async (query: string) => (await database.query(query)).rows }
}

async function openBenchOn(url: string, project: string, options: object) {
  const stateDirectory = join(project, '.ops')
  // Everything in the project, and the tables that a test names, unless it says otherwise.
  const settings = v.parse(schema, { folders: ['.'], ...options })
  const allow = (table: string) => void ('tables' in options || settings.tables.push(table))
  const importing = toQueuedTable(importProcessor, settings)
  const exporting = toQueuedTable(exportProcessor, settings)
  const queue = await openQueue(url, { directory: project, synchronous: 'NORMAL' })
  onTestFinished(() => queue.close())
  const migrations = join(import.meta.dirname, '..', 'migrations')
  await queue.migrate([{ name: 'transfer', directory: migrations }], [importing, exporting])
  await queue.startWorker({ id: 'worker', host: 'here', pid: process.pid, version: '0' })
  const environment = { queue, workerId: 'worker', stateDirectory, projectDirectory: project }

  async function start(queued: typeof importing, processor: object) {
    const claim = (await queue.claim([queued]))!
    const context = new RunContext(claim, settings, environment)
    const { logFile, progress } = context
    const notes: string[] = []
    context.progress = (fraction, note) => {
      notes.push(note!)
      progress(fraction, note)
    }
    const ended = performTask(claim, { processor: processor as never }, context).then(async ({ outcome }) => {
      await queue.settle(claim.run, outcome!)
      const row = (await queue.find(queued.table, claim.run.taskId))!
      return { ...row, log: existsSync(logFile) ? readFileSync(logFile, 'utf8') : '', notes } as Record<
        string,
        unknown
      > & {
        status: string
        error: string | null
        log: string
        notes: string[]
      }
    })
    return { context, ended, claim }
  }

  const path = (name: string) => join(project, name)
  const bench = {
    project,
    queue,
    path,
    write(name: string, text: string | Buffer) {
      mkdirSync(dirname(path(name)), { recursive: true })
      writeFileSync(path(name), text)
    },
    read: (name: string) => readFileSync(path(name), 'utf8'),
    async startImport(values: ImportValues) {
      allow(values.targetTable)
      await queue.enqueue(imports, [values])
      return start(importing, importProcessor)
    },
    async startExport(values: ExportValues) {
      allow(values.sourceTable)
      await queue.enqueue(exports, [values])
      return start(exporting as never, exportProcessor)
    },
    import: async (values: ImportValues) => (await bench.startImport(values)).ended,
    export: async (values: ExportValues) => (await bench.startExport(values)).ended,
  }
  return bench
}
