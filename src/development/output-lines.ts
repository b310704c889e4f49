import type { Readable } from 'node:stream'
import { styleText } from 'node:util'
import { oneLine, terminalText } from '../format.ts'

/** A line that is longer is passed on in pieces: a program may never end its line. */
const LONGEST_LINE = 1024 * 1024

/** Passes on the output of a stream as text of whole lines; a last line without a newline gets one. */
export function onWholeLines(stream: Readable, pass: (text: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n') + 1
    if (end > 0) {
      pass(terminalText(rest + chunk.slice(0, end)))
      rest = chunk.slice(end)
    } else rest += chunk
    if (rest.length > LONGEST_LINE) endLine()
  })
  stream.once('close', endLine)

  function endLine() {
    if (rest !== '') pass(`${terminalText(rest)}\n`)
    rest = ''
  }
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
      this.#task = { name: oneLine(event.task), run: event.run, since: new Date(String(event.at)) }
    } else if (event.run !== undefined && event.run === this.#task?.run) this.#task = undefined
    const message = oneLine(event.message)
    if (!this.#isColoured) return message
    const style = { validateStream: false }
    if (event.level === 'error') return styleText('red', message, style)
    return event.level === 'warn' ? styleText('yellow', message, style) : message
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
