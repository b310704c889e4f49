import { parseEnv } from 'node:util'
import { parse } from 'dotenv'

export type EnvReader = 'systemd' | 'node --env-file'

/** A variable of an environment file that another program reads differently. Its values are never shown. */
export interface EnvDifference {
  /** Counted from 1. */
  readonly line: number
  readonly name: string
  readonly reader: EnvReader
  /** What that program finds: another value, no variable, or a variable where ops finds none. */
  readonly reads: 'other_value' | 'nothing' | 'extra_variable'
}

/** Where systemd and Node read a file differently from ops, which development and the units rely on. */
export function envDifferences(text: string): EnvDifference[] {
  const ours = parse(text)
  const readers: [EnvReader, Record<string, string | undefined>][] = [
    ['systemd', parseAsSystemd(text)],
    ['node --env-file', parseEnv(text)],
  ]
  return readers
    .flatMap(([reader, theirs]) =>
      [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
        .filter((name) => ours[name] !== theirs[name])
        .map((name): EnvDifference => {
          const isFound = theirs[name] !== undefined
          const reads = !isFound ? 'nothing' : ours[name] === undefined ? 'extra_variable' : 'other_value'
          return { line: lineOf(name, text), name, reader, reads }
        }),
    )
    .sort((a, b) => a.line - b.line)
}

/** The last line that assigns a variable, since the last one counts. */
function lineOf(name: string, text: string): number {
  const lines = text.split(/\r\n?|\n/)
  const assignment = new RegExp(`^\\uFEFF?\\s*(export\\s+)?${name.replaceAll('.', '\\.')}\\s*[=:]`)
  return lines.findLastIndex((line) => assignment.test(line)) + 1
}

/**
 * Parses an environment file as `EnvironmentFile=` does (systemd.exec(5)). Unlike dotenv, a `#` after a value is part of
 * it, a backslash escapes outside quotes too, and `export` is part of the name. Lines that are not assignments are
 * ignored. test/systemd/env-readers.test.ts compares this with a real systemd.
 */
export function parseAsSystemd(text: string): Record<string, string> {
  const parser = new SystemdParser()
  for (const character of text) parser.take(character)
  return parser.end()
}

/** `before value` is before, between and after quotes. */
type State = 'before key' | 'key' | 'before value' | 'value' | 'escape' | 'single' | 'double' | 'double escape'

const SPACE = /[ \t\r\n]/

class SystemdParser {
  readonly #variables: Record<string, string> = {}
  #state: State | 'comment' | 'comment escape' = 'before key'
  #key = ''
  #value = ''
  /** The length of the value without trailing spaces, unless they were quoted or escaped. */
  #kept = 0

  take(character: string): void {
    const isBreak = character === '\n' || character === '\r'
    switch (this.#state) {
      case 'before key':
        if (character === '#' || character === ';') this.#state = 'comment'
        else if (!SPACE.test(character)) this.#begin(character)
        return
      case 'key':
        if (isBreak) this.#state = 'before key'
        else if (character === '=') this.#state = 'before value'
        else this.#key += character
        return
      case 'before value':
      case 'value':
        this.#takeValue(character, isBreak)
        return
      case 'escape':
        this.#state = 'value'
        if (!isBreak) this.#keep(character)
        return
      case 'single':
        if (character === "'") this.#state = 'before value'
        else this.#keep(character)
        return
      case 'double':
        if (character === '"') this.#state = 'before value'
        else if (character === '\\') this.#state = 'double escape'
        else this.#keep(character)
        return
      case 'double escape':
        this.#state = 'double'
        if ('"\\`$'.includes(character)) this.#keep(character)
        else if (character !== '\n') this.#keep(`\\${character}`)
        return
      case 'comment':
        if (character === '\\') this.#state = 'comment escape'
        else if (isBreak) this.#state = 'before key'
        return
      case 'comment escape':
        this.#state = 'comment'
    }
  }

  end(): Record<string, string> {
    if (!['before key', 'key', 'comment', 'comment escape'].includes(this.#state)) this.#push()
    return this.#variables
  }

  #begin(character: string): void {
    this.#key = character
    this.#value = ''
    this.#kept = 0
    this.#state = 'key'
  }

  #takeValue(character: string, isBreak: boolean): void {
    const isBefore = this.#state === 'before value'
    if (isBreak) {
      this.#push()
      this.#state = 'before key'
    } else if (isBefore && character === "'") this.#state = 'single'
    else if (isBefore && character === '"') this.#state = 'double'
    else if (character === '\\') this.#state = 'escape'
    else if (!SPACE.test(character)) {
      this.#keep(character)
      this.#state = 'value'
    } else if (!isBefore) this.#value += character
  }

  #keep(characters: string): void {
    this.#value += characters
    this.#kept = this.#value.length
  }

  #push(): void {
    const name = this.#key.trimEnd()
    if (/^[A-Za-z_]\w*$/.test(name)) this.#variables[name] = this.#value.slice(0, this.#kept)
  }
}
