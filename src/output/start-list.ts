import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2'
import type { ServiceState } from '../development/service-report.ts'
import { formatDuration } from '../format.ts'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

interface Start {
  readonly done: PromiseWithResolvers<void>
  /** Its name, as wide as the longest. */
  readonly name: string
  title: string
  /** Given when the list has begun to draw, which may be after the first states. */
  row?: Row
}

const settledInWords: Readonly<Partial<Record<ServiceState, string>>> = {
  started: 'started',
  ready: 'ready',
  completed: 'done',
  ended: 'ended',
  stopped: 'stopped',
  killed: 'killed',
}

/** The start of services as a list that is drawn anew while they come up. */
export class StartList {
  /** Resolves when every service has come up, or nothing more will come of the start. */
  readonly finished: Promise<unknown>
  readonly #begun = performance.now()
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
      // Its own handler for Ctrl-C would end the process and leave the services behind.
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: true, formatOutput: 'truncate' },
    }).run()
  }

  state(name: string, state: ServiceState, detail = ''): void {
    const start = this.#starts.get(name)
    if (start === undefined) return
    const settled = settledInWords[state]
    start.title = settled === undefined ? start.name : `${start.name}  ${settled} in ${this.#sinceBegun()}`
    if (settled === undefined && detail !== '') start.title = `${start.name}  ${detail}`
    if (start.row !== undefined) start.row.title = start.title
    if (settled !== undefined) start.done.resolve()
    else if (state === 'failed') start.done.reject(new Error(detail))
  }

  #sinceBegun(): string {
    return formatDuration(performance.now() - this.#begun)
  }

  output(name: string, line: string): void {
    const row = this.#starts.get(name)?.row
    if (row !== undefined && line !== '') row.output = line
  }

  /** Nothing more comes of it: what has not come up does not any more. */
  giveUp(): void {
    for (const { done, row } of this.#starts.values()) {
      row?.skip('stopped')
      done.resolve()
    }
  }
}
