/*
 * How a value is written behind the "=" of a directive. Each kind of directive has a rule of its own (systemd.syntax(7),
 * systemd.service(5), systemd.exec(5)), and what one of them takes another one drops without a word. The rules were
 * proved in a real systemd: test/systemd/escaping.test.ts.
 */

declare const escaped: unique symbol

/** A value as it stands in a unit. Only the rules below make one, so nothing gets into a unit unescaped. */
export type Directive = string & { readonly [escaped]: true }

/** `Environment=`: one assignment, quoted as a whole. A `$` is a `$` here; `%` would begin a specifier. */
export function assignment(name: string, value: string): Directive {
  return quoted(`${name}=${value}`)
}

/**
 * `ExecStart=` and its like. The colon turns substitution by `$` off; every argument is quoted.
 *
 * @param argv an absolute path, and the arguments
 * @param prefix more of the characters that stand in front of the path, such as `+`
 */
export function command(argv: readonly string[], prefix = ''): Directive {
  const [program] = argv
  if (!program?.startsWith('/')) throw new Error(`a unit needs the absolute path of a program, not "${program}"`)
  return written(`${prefix}:${argv.map(quoted).join(' ')}`)
}

/** `WorkingDirectory=`, `EnvironmentFile=`: the rest of the line as it is. Quotes would be part of the path. */
export function path(value: string): Directive {
  return written(withoutSpecifiers(onOneLine(value)))
}

/** `ReadWritePaths=` and other lists: unquoted, a space would end the item. */
export function list(values: readonly string[]): Directive {
  return written(
    values
      .map((value) => `"${withoutSpecifiers(onOneLine(value)).replaceAll(/["\\]/g, (character) => `\\${character}`)}"`)
      .join(' '),
  )
}

/** `Description=` and our own `X-` keys. */
export function text(value: string): Directive {
  return written(withoutSpecifiers(onOneLine(value)))
}

/** Names, numbers and flags, and lists of them: nothing that would need escaping. `%i` is a specifier that is meant. */
export function words(...values: readonly (string | number)[]): Directive {
  for (const value of values) {
    if (!/^(?:[\w@.:~+-]|%[ijnN])+$/.test(String(value))) throw new Error(`"${value}" is not a word`)
  }
  return written(values.join(' '))
}

/** A time span. To `TimeoutStopSec=` and its like nothing at all is for ever, so the least is a millisecond. */
export function milliseconds(value: number): Directive {
  if (value <= 0) return written('1ms')
  return written(value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`)
}

/** A bare `%` makes systemd drop the whole assignment. */
function withoutSpecifiers(value: string): string {
  return value.replaceAll('%', '%%')
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
}

function quoted(value: string): Directive {
  if (value.includes('\0')) throw new Error('no program can be given a value with a NUL in it')
  const text = value.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
    /[\u0001-\u001f\u007f"\\]/g,
    (character) => shortEscapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return written(`"${withoutSpecifiers(text)}"`)
}

/** Whether a path can be written as the rest of a line. */
export function fitsOnOneLine(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  return !/[\u0000-\u001f\u007f]|\\$|^\s|\s$/.test(value)
}

/** These kinds have no way to write a line break, and a last backslash would take the next line in. */
function onOneLine(value: string): string {
  if (!fitsOnOneLine(value)) {
    throw new Error(
      `${JSON.stringify(value)} cannot stand in a unit: it has a control character, or a space or "\\" at an end`,
    )
  }
  return value
}

function written(value: string): Directive {
  return value as Directive
}
