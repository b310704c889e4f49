import { stripVTControlCharacters } from 'node:util'
import type { LoggedLine } from '../development/log-reader.ts'
import { formatClock, terminalText } from '../format.ts'
import { type Screen, styled } from './screen.ts'

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'cyanBright', 'yellowBright', 'magentaBright'] as const

/** The prefix of each service's lines, all of one width: `api    | `. */
export function servicePrefixes(names: readonly string[], isColoured: boolean): ReadonlyMap<string, string> {
  const width = Math.max(...names.map((name) => name.length))
  return new Map(
    names.map((name, index) => {
      const prefix = `${name.padEnd(width)} |`
      return [name, `${styled(prefix, COLOURS[index % COLOURS.length], { isColoured })} `]
    }),
  )
}

/** Prefixes each line of a text of whole lines. */
export function prefixLines(prefix: string, text: string): string {
  return `${prefix}${text.slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`
}

/** The last line of a text, without its colours. */
export function lastLine(text: string): string {
  return stripVTControlCharacters(text.trimEnd().split('\n').at(-1) ?? '').trimEnd()
}

/** Logged lines of services, each with the prefix of its service. */
export class ServiceLines {
  readonly #screen: Screen
  readonly #isTimed: boolean
  readonly #names: string[] = []
  #prefixes: ReadonlyMap<string, string> = new Map()

  /** @param options `isTimed`: whether each line starts with its time */
  constructor(screen: Screen, { isTimed }: { isTimed: boolean }) {
    this.#screen = screen
    this.#isTimed = isTimed
  }

  render(lines: readonly LoggedLine[]): string {
    const added = [...new Set(lines.map(({ service }) => service))].filter((name) => !this.#names.includes(name))
    if (added.length > 0) {
      this.#names.push(...added.sort())
      this.#prefixes = servicePrefixes(this.#names, this.#screen.isColoured)
    }
    return lines.map((line) => `${this.#line(line)}\n`).join('')
  }

  #line({ service, at, text }: LoggedLine): string {
    const time = this.#isTimed ? `${formatClock(new Date(at))} ` : ''
    // The guardian of a killed session has logged the last output as it was.
    const safe = terminalText(text)
    const shown = this.#screen.isColoured ? safe : stripVTControlCharacters(safe)
    return `${time}${this.#prefixes.get(service)}${shown}`
  }
}
