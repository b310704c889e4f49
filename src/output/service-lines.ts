import { stripVTControlCharacters } from 'node:util'
import type { LoggedLine } from '../development/logged-line.ts'
import { formatClock } from '../format.ts'
import type { Screen } from './screen.ts'
import { servicePrefixes } from './service-prefix.ts'

/** Lines of services, each behind the name of its own; colours of theirs are kept where there are colours. */
export class ServiceLines {
  readonly #screen: Screen
  readonly #isTimed: boolean
  readonly #names: string[] = []
  #prefixes: ReadonlyMap<string, string> = new Map()

  constructor(screen: Screen, { isTimed }: { isTimed: boolean }) {
    this.#screen = screen
    this.#isTimed = isTimed
  }

  render(lines: readonly LoggedLine[]): string {
    const news = [...new Set(lines.map(({ service }) => service))].filter((name) => !this.#names.includes(name))
    if (news.length > 0) {
      this.#names.push(...news.sort())
      this.#prefixes = servicePrefixes(this.#names, this.#screen.isColoured)
    }
    return lines.map((line) => `${this.#line(line)}\n`).join('')
  }

  #line({ service, at, text }: LoggedLine): string {
    const time = this.#isTimed ? `${formatClock(new Date(at))} ` : ''
    const shown = this.#screen.isColoured ? text : stripVTControlCharacters(text)
    return `${time}${this.#prefixes.get(service)}${shown}`
  }
}
