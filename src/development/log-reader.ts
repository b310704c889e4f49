import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { rotatedFile } from './service-logs.ts'

/** A line of a service's log. */
export interface LoggedLine {
  readonly service: string
  /** ISO 8601. A line without a time, as the guardian writes them, has that of the line before it. */
  readonly at: string
  readonly text: string
}

/** The lines of several logs by time; lines of one log keep their order. */
export function mergeLines(logs: readonly (readonly LoggedLine[])[]): LoggedLine[] {
  return logs.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)$/s

/** Reads the log of a service from its start, and then what is added, across rotations. */
export class LogReader {
  readonly #service: string
  readonly #file: string
  readonly #buffer = Buffer.alloc(256 * 1024)
  #log: { readonly fd: number; readonly inode: number; readonly decoder: StringDecoder } | undefined
  #hasStarted = false
  #at = ''
  #rest = ''

  constructor(service: string, file: string) {
    this.#service = service
    this.#file = file
  }

  /** The lines added since the last call. */
  read(): LoggedLine[] {
    const lines: LoggedLine[] = []
    if (!this.#hasStarted) {
      this.#hasStarted = true
      this.#openFirst(lines)
    }
    for (;;) {
      if (this.#log !== undefined) this.#readMore(lines)
      // Nothing more is written to a log once it is rotated, and all of it has been read.
      const now = statSync(this.#file, { throwIfNoEntry: false })
      if (now === undefined || now.ino === this.#log?.inode) return lines
      if (this.#log !== undefined) this.#readMore(lines)
      this.close()
      this.#log = openLog(this.#file)
    }
  }

  /** A last line without a newline. */
  readRest(): LoggedLine[] {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? [] : [this.#line(rest)]
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log.fd)
    this.#log = undefined
  }

  #openFirst(lines: LoggedLine[]): void {
    const current = openLog(this.#file)
    this.#log = openLog(rotatedFile(this.#file))
    // Rotated between the two calls.
    if (this.#log !== undefined && this.#log.inode !== current?.inode) this.#readMore(lines)
    this.close()
    this.#log = current
  }

  #readMore(lines: LoggedLine[]): void {
    const { fd, decoder } = this.#log!
    for (;;) {
      const count = readSync(fd, this.#buffer, 0, this.#buffer.length, null)
      if (count === 0) return
      const texts = (this.#rest + decoder.write(this.#buffer.subarray(0, count))).split('\n')
      this.#rest = texts.pop()!
      for (const text of texts) lines.push(this.#line(text))
    }
  }

  #line(line: string): LoggedLine {
    const [, at, text] = STAMPED.exec(line) ?? []
    this.#at = at ?? this.#at
    return { service: this.#service, at: this.#at, text: text ?? line }
  }
}

function openLog(file: string) {
  try {
    const fd = openSync(file, 'r')
    return { fd, inode: fstatSync(fd).ino, decoder: new StringDecoder('utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
