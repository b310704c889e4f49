import { describeViolation } from '../queue/invariants.ts'
import type { Queue, QueuedTable } from '../queue/queue.ts'
import type { WorkerLog } from './worker-log.ts'

/**
 * Keeps the triggers and indexes of a worker's task tables in place while it runs: an application's migration may rebuild a
 * table, or drop its triggers. No run depends on them, but a client other than ops is refused nothing without them.
 */
export class GuaranteeKeeper {
  readonly #queue: Queue
  readonly #tables: readonly QueuedTable[]
  readonly #log: WorkerLog
  #seen: string | undefined

  constructor(queue: Queue, tables: readonly QueuedTable[], log: WorkerLog) {
    this.#queue = queue
    this.#tables = tables
    this.#log = log
  }

  /** Looks once at the start, and then whenever the schema has changed. */
  async look(): Promise<void> {
    if ((await this.#queue.schemaState()) === this.#seen) return
    const steps = await this.#queue.planMigration([], this.#tables)
    for (const queued of this.#tables) {
      const own = steps.filter(({ kind, source }) => kind === 'guarantee' && source === queued.table.name)
      // What is there and differs may be of another version of ops, which would replace it in its turn.
      if (own.length > 0 && own.every(({ change }) => change === 'create')) await this.#install(queued)
      else if (own.length > 0)
        this.#report(queued, `${own.map(({ name }) => name).join(', ')} differ from those of this ops`)
    }
    await this.#checkOpenState()
    this.#seen = await this.#queue.schemaState()
  }

  async #install(queued: QueuedTable): Promise<void> {
    try {
      await this.#queue.migrate([], [queued])
      this.#log.installedAgain(queued)
    } catch (error) {
      this.#report(queued, `its triggers and indexes are missing and cannot be installed: ${(error as Error).message}`)
    }
  }

  #report({ processor, table }: QueuedTable, what: string): void {
    this.#log.problem({
      code: 'GUARANTEES_MISSING',
      severity: 'warning',
      where: processor,
      message: `The table "${table.name}" may not keep its guarantees: ${what}.`,
      suggestions: ['ops migrate'],
    })
  }

  async #checkOpenState(): Promise<void> {
    const names = this.#tables.map(({ table }) => table.name)
    for (const violation of await this.#queue.invariants.find(names, { history: false })) {
      const message = `${describeViolation(violation)}.`
      this.#log.problem({ code: violation.code, severity: 'warning', message, suggestions: ['ops doctor --fix'] })
    }
  }
}
