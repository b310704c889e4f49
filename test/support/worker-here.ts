import { onTestFinished } from 'vitest'
import type { AnyProcessor } from '../../src/processor/define-processor.ts'
import { type ReadyProcessor, toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { Worker, type WorkOptions, type WorkSummary } from '../../src/worker/worker.ts'
import { WorkerLog } from '../../src/worker/worker-log.ts'
import { openQueue as openPostgres, postgresFixture, postgresMissing } from './postgres-fixture.ts'
import { openQueue as openSqlite, sqliteFixture } from './sqlite-fixture.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A database for a test in this process: the tables are made, and everything is gone after the test. */
export interface WorkerFixture {
  readonly queue: Queue
  readonly processors: readonly ReadyProcessor[]
  secondQueue(): Queue
  /** Runs a statement like a person in an SQL shell. */
  sql(text: string): Promise<Record<string, unknown>[]>
}

export interface WorkerDatabase {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** Why there is none here. */
  readonly missing: string | undefined
  with(processors: readonly AnyProcessor[]): Promise<WorkerFixture>
}

const ready = (processors: readonly AnyProcessor[]): ReadyProcessor[] =>
  processors.map((processor) => ({ processor, settings: {}, queued: toQueuedTable(processor, {}) }))

export const workerDatabases: readonly WorkerDatabase[] = [
  {
    name: 'SQLite',
    missing: undefined,
    async with(given) {
      const processors = ready(given)
      const { file, queue, raw } = await sqliteFixture(processors.map(({ queued }) => queued))
      const sql = async (text: string) => {
        const statement = raw.prepare(text)
        if (statement.reader) return statement.all() as Record<string, unknown>[]
        statement.run()
        return []
      }
      return { queue, processors, sql, secondQueue: () => openSqlite(file) }
    },
  },
  {
    name: 'PostgreSQL',
    missing: postgresMissing,
    async with(given) {
      const processors = ready(given)
      const { url, queue, rows } = await postgresFixture(processors.map(({ queued }) => queued))
      return { queue, processors, sql: rows, secondQueue: () => openPostgres(url) }
    },
  },
]

/** A worker in this process, whose stop is the test's. */
export class WorkerHere {
  readonly #requested = new AbortController()
  readonly #forced = new AbortController()
  readonly #queue: Queue
  readonly #processors: readonly ReadyProcessor[]
  log = ''

  constructor({ queue, processors }: Pick<WorkerFixture, 'queue' | 'processors'>) {
    this.#queue = queue
    this.#processors = processors
  }

  async work(options: Partial<WorkOptions> = {}): Promise<WorkSummary> {
    onTestFinished(() => this.force())
    const id = `worker-${Math.random()}`
    await this.#queue.startWorker({ id, host: 'here', pid: process.pid, version: '1' })
    const stateDirectory = temporaryFolder()
    const environment = { queue: this.#queue, workerId: id, stateDirectory, projectDirectory: stateDirectory }
    const stop = { requested: this.#requested.signal, forced: this.#forced.signal, dispose() {} }
    const log = new WorkerLog((text) => {
      this.log += text
    }, false)
    const worker = new Worker(this.#processors, environment, stop, log)
    const summary = await worker.work({ pollInterval: 50, ...options })
    log.stopped()
    return summary
  }

  stop(): void {
    this.#requested.abort('SIGTERM')
  }

  force(): void {
    this.stop()
    this.#forced.abort('SIGTERM')
  }
}
