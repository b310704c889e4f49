import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import type { LoggedLine } from './logged-line.ts'
import { asideFile } from './service-logs.ts'

const stamped = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)$/s

/** Reads the log of a service from its start, and then what is added, also where the log is put aside meanwhile. */
export class LogReader {
  readonly #service: string
  readonly #file: string
  readonly #buffer = Buffer.alloc(256 * 1024)
  #open: { readonly fd: number; readonly inode: number; readonly decoder: StringDecoder } | undefined
  #hasBegun = false
  #at = ''
  #rest = ''

  constructor(service: string, file: string) {
    this.#service = service
    this.#file = file
  }

  /** The lines that have been added. */
  read(): LoggedLine[] {
    const lines: LoggedLine[] = []
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#openFirst(lines)
    }
    for (;;) {
      if (this.#open !== undefined) this.#readOn(lines)
      // What was written before the log was put aside has been read: nothing is written into it any more.
      const now = statSync(this.#file, { throwIfNoEntry: false })
      if (now === undefined || now.ino === this.#open?.inode) return lines
      if (this.#open !== undefined) this.#readOn(lines)
      this.close()
      this.#open = opened(this.#file)
    }
  }

  /** What is there of a line that has not ended, and will not. */
  readRest(): LoggedLine[] {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? [] : [this.#line(rest)]
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd)
    this.#open = undefined
  }

  #openFirst(lines: LoggedLine[]): void {
    const current = opened(this.#file)
    this.#open = opened(asideFile(this.#file))
    // Put aside between the two.
    if (this.#open !== undefined && this.#open.inode !== current?.inode) this.#readOn(lines)
    this.close()
    this.#open = current
  }

  #readOn(lines: LoggedLine[]): void {
    const { fd, decoder } = this.#open!
    for (;;) {
      const count = readSync(fd, this.#buffer, 0, this.#buffer.length, null)
      if (count === 0) return
      const texts = (this.#rest + decoder.write(this.#buffer.subarray(0, count))).split('\n')
      this.#rest = texts.pop()!
      for (const text of texts) lines.push(this.#line(text))
    }
  }

  #line(line: string): LoggedLine {
    const [, at, text] = stamped.exec(line) ?? []
    this.#at = at ?? this.#at
    return { service: this.#service, at: this.#at, text: text ?? line }
  }
}

function opened(file: string) {
  try {
    const fd = openSync(file, 'r')
    return { fd, inode: fstatSync(fd).ino, decoder: new StringDecoder('utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
