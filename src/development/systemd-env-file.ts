/**
 * Reads a file of variables as `EnvironmentFile=` does (systemd.exec(5)), which is not how dotenv does: a `#` behind a
 * value belongs to it, a backslash escapes outside of quotes too, `export` is taken for a part of the name. What it
 * takes for no variable it passes over without a word. test/systemd/env-readers.test.ts holds this against a real one.
 */
export function readAsSystemd(text: string): Record<string, string> {
  const reader = new Reader()
  for (const character of text) reader.take(character)
  return reader.end()
}

/** `before value` is before, between and behind quotes. */
type State = 'before key' | 'key' | 'before value' | 'value' | 'escape' | 'single' | 'double' | 'double escape'

const space = /[ \t\r\n]/

class Reader {
  readonly #variables: Record<string, string> = {}
  #state: State | 'comment' | 'comment escape' = 'before key'
  #key = ''
  #value = ''
  /** How much of the value is kept at its end: spaces that were quoted or escaped are. */
  #kept = 0

  take(character: string): void {
    const isBreak = character === '\n' || character === '\r'
    switch (this.#state) {
      case 'before key':
        if (character === '#' || character === ';') this.#state = 'comment'
        else if (!space.test(character)) this.#begin(character)
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
    else if (!space.test(character)) {
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
