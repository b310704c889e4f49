import { styleText } from 'node:util'

interface Event {
  readonly event?: unknown
  readonly level?: unknown
  readonly message?: unknown
  readonly task?: unknown
  readonly run?: unknown
  readonly at?: unknown
}

/** Reads the lines of JSON of a program that logs events, as the worker does, and remembers what it is at. */
export class EventLines {
  readonly #isColoured: boolean
  #task: { readonly name: string; readonly run: unknown; readonly since: Date } | undefined

  constructor({ isColoured }: { isColoured: boolean }) {
    this.#isColoured = isColoured
  }

  /** What the program has begun and not ended. */
  get task(): { readonly name: string; readonly since: Date } | undefined {
    return this.#task
  }

  /** The same lines, as people read them. */
  read(text: string): string {
    return text
      .split('\n')
      .map((line) => this.#readLine(line))
      .join('\n')
  }

  #readLine(line: string): string {
    const event = parse(line)
    if (typeof event?.message !== 'string') return line
    if (event.event === 'started' && typeof event.task === 'string') {
      this.#task = { name: event.task, run: event.run, since: new Date(String(event.at)) }
    } else if (event.run !== undefined && event.run === this.#task?.run) this.#task = undefined
    if (!this.#isColoured) return event.message
    const style = { validateStream: false }
    if (event.level === 'error') return styleText('red', event.message, style)
    return event.level === 'warn' ? styleText('yellow', event.message, style) : event.message
  }
}

function parse(line: string): Event | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Event
  } catch {
    return undefined
  }
}
