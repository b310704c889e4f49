import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2'
import type { ServiceChange } from '../development/service-reporter.ts'
import { oneLine } from '../format.ts'
import { formatChange } from './format-change.ts'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

interface Start {
  readonly done: PromiseWithResolvers<void>
  /** Its name, as wide as the longest. */
  readonly name: string
  title: string
  /** Set when the list starts to draw, which may be after the first changes. */
  row?: Row
}

const FINAL_STATES: readonly ServiceChange['state'][] = ['started', 'ready', 'completed', 'exited', 'stopped', 'killed']

/** The start of services as a list that is redrawn while they come up. */
export class StartList {
  /** Resolves when every service is up, or the start has ended otherwise. */
  readonly finished: Promise<unknown>
  readonly #starts: ReadonlyMap<string, Start>

  constructor(names: readonly string[]) {
    const width = Math.max(...names.map((name) => name.length))
    this.#starts = new Map(
      names.map((name) => [name, { done: Promise.withResolvers<void>(), name: name.padEnd(width), title: name }]),
    )
    const rows = [...this.#starts.values()].map((start) => ({
      title: start.title,
      task: (_: unknown, row: Row) => {
        start.row = row
        row.title = start.title
        return start.done.promise
      },
    }))
    this.finished = new Listr<unknown, 'default', 'simple'>(rows, {
      concurrent: true,
      exitOnError: false,
      // Its handler for Ctrl-C would end the process and leave the services running.
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: true, formatOutput: 'truncate' },
    }).run()
  }

  changed(name: string, change: ServiceChange): void {
    const start = this.#starts.get(name)
    if (start === undefined) return
    start.title = `${start.name}  ${formatChange(change)}`
    if (start.row !== undefined) start.row.title = start.title
    if (FINAL_STATES.includes(change.state)) start.done.resolve()
    else if (change.state === 'failed') start.done.reject(new Error(oneLine(change.error)))
  }

  output(name: string, line: string): void {
    const row = this.#starts.get(name)?.row
    if (row !== undefined && line !== '') row.output = line
  }

  /** Ends the list: what is not up yet will not come up. */
  finish(): void {
    for (const { done, row } of this.#starts.values()) {
      row?.skip('stopped')
      done.resolve()
    }
  }
}
