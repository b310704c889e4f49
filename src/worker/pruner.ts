import type { RetentionConfig } from '../config/config.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { RemovedFiles } from '../processor/task-context.ts'
import { type PruneEvent, prune } from './prune.ts'
import { planRetention } from './retention.ts'
import type { RunEnvironment } from './run-context.ts'
import { sum, TaskFiles } from './task-files.ts'
import type { WorkerLog } from './worker-log.ts'

/** How often the workers of a project prune. */
export const PRUNE_EVERY_MS = 3_600_000

/** Prunes while its worker has nothing else to do. */
export class Pruner {
  readonly #environment: RunEnvironment
  readonly #processors: readonly ReadyProcessor[]
  readonly #retention: RetentionConfig
  readonly #log: WorkerLog
  #dueAt = 0
  #pruning: AsyncGenerator<PruneEvent, void, void> | undefined
  #tasks = 0
  #files: RemovedFiles = { files: 0, bytes: 0 }

  /** @param processors all whose table exists, whichever of them the worker performs */
  constructor(
    processors: readonly ReadyProcessor[],
    retention: RetentionConfig,
    environment: RunEnvironment,
    log: WorkerLog,
  ) {
    this.#processors = processors
    this.#retention = retention
    this.#environment = environment
    this.#log = log
  }

  /** Does a small piece, if one is due; returns whether to ask again before anything is waited for. */
  async step(): Promise<boolean> {
    if (!this.#pruning && performance.now() < this.#dueAt) return false
    this.#pruning ??= this.#start()
    try {
      const { done, value } = await this.#pruning.next()
      if (!done) {
        this.#note(value)
        return true
      }
    } catch (error) {
      this.#log.databaseFailed('pruning', error, PRUNE_EVERY_MS)
    }
    this.#end()
    return false
  }

  /** What is gone is in the audit then. */
  async stop(): Promise<void> {
    if (!this.#pruning) return
    try {
      await this.#pruning.return()
    } catch (error) {
      this.#log.databaseFailed('pruning', error, 0)
    }
    this.#end()
  }

  #start(): AsyncGenerator<PruneEvent, void, void> {
    const { queue, workerId } = this.#environment
    const plan = planRetention(this.#processors, this.#retention, new Date())
    const files = new TaskFiles(this.#processors, this.#environment)
    const all = this.#processors.map(({ queued }) => queued)
    return prune(queue, plan, files, { actor: workerId, every: PRUNE_EVERY_MS, all })
  }

  #note({ groups, logs, artifacts }: PruneEvent): void {
    for (const { tasks } of groups) this.#tasks += tasks
    this.#files = sum([this.#files, logs, artifacts])
  }

  #end(): void {
    if (this.#tasks + this.#files.files > 0) this.#log.pruned(this.#tasks, this.#files)
    this.#tasks = 0
    this.#files = { files: 0, bytes: 0 }
    this.#pruning = undefined
    this.#dueAt = performance.now() + PRUNE_EVERY_MS
  }
}
