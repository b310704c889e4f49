import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2'
import type { ServiceState } from '../services/service-report.ts'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

interface Start {
  readonly done: PromiseWithResolvers<void>
  title: string
  /** Given when the list has begun to draw, which may be after the first states. */
  row?: Row
}

/** The start of services as a list that is drawn anew while they come up. */
export class StartList {
  /** Resolves when every service has come up, or nothing more will come of the start. */
  readonly finished: Promise<unknown>
  readonly #starts: ReadonlyMap<string, Start>

  constructor(names: readonly string[]) {
    this.#starts = new Map(names.map((name) => [name, { done: Promise.withResolvers<void>(), title: name }]))
    const rows = [...this.#starts].map(([title, start]) => ({
      title,
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
    const settled = ['started', 'ready', 'completed', 'ended', 'stopped', 'killed'].includes(state)
    start.title = detail === '' || settled ? name : `${name}: ${detail}`
    if (start.row !== undefined) start.row.title = start.title
    if (settled) start.done.resolve()
    else if (state === 'failed') start.done.reject(new Error(detail))
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
