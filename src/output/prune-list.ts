import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2'
import type { PruneSummary } from '../tasks/prune-tasks.ts'
import { formatProgress } from './prune-tables.ts'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

/** The tables that are pruned, one after another, as a list that is redrawn. */
export class PruneList {
  readonly #tables: readonly string[]
  readonly #done: readonly PromiseWithResolvers<void>[]
  readonly #rows: Row[] = []
  readonly #finished: Promise<unknown>
  #current = 0

  constructor(tables: readonly string[]) {
    this.#tables = tables
    this.#done = tables.map(() => Promise.withResolvers<void>())
    const list = tables.map((title, index) => ({
      title,
      task: (_: unknown, row: Row) => {
        this.#rows[index] = row
        return this.#done[index]!.promise
      },
    }))
    this.#finished = new Listr<unknown, 'default', 'simple'>(list, { registerSignalListeners: false }).run()
  }

  progress(summary: PruneSummary, table: string): void {
    const index = this.#tables.indexOf(table)
    // What comes after the last table has no row.
    const reached = index < 0 ? this.#tables.length : index
    for (; this.#current < reached; this.#current += 1) this.#done[this.#current]!.resolve()
    const row = this.#rows[index]
    if (row) row.title = formatProgress(summary, table)
  }

  async finish(): Promise<void> {
    for (const { resolve } of this.#done) resolve()
    await this.#finished
  }
}
