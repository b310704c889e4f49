import type { Readable } from 'node:stream'
import { styleText } from 'node:util'

// Clearing the screen would erase the output of other services.
// biome-ignore lint/suspicious/noControlCharactersInRegex: a control character is searched for
const CLEAR_SCREEN = /\x1bc|\x1b\[(?:[23]?J|H|1;1H)/g

/** Passes on the output of a stream as text of whole lines; a last line without a newline gets one. */
export function onWholeLines(stream: Readable, pass: (text: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const text = chunk.includes('\x1b') ? chunk.replaceAll(CLEAR_SCREEN, '') : chunk
    const end = text.lastIndexOf('\n') + 1
    if (end === 0) {
      rest += text
      return
    }
    pass(rest + text.slice(0, end))
    rest = text.slice(end)
  })
  stream.once('close', () => {
    if (rest !== '') pass(`${rest}\n`)
    rest = ''
  })
}

interface Event {
  readonly event?: unknown
  readonly level?: unknown
  readonly message?: unknown
  readonly task?: unknown
  readonly run?: unknown
  readonly at?: unknown
}

/** Reads the JSON lines of a program that logs events, as the worker does, and knows its running task. */
export class EventLines {
  readonly #isColoured: boolean
  #task: { readonly name: string; readonly run: unknown; readonly since: Date } | undefined

  constructor({ isColoured }: { isColoured: boolean }) {
    this.#isColoured = isColoured
  }

  /** The running task. */
  get task(): { readonly name: string; readonly since: Date } | undefined {
    return this.#task
  }

  /** The same lines, for people. */
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
