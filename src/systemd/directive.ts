/*
 * How to write a value behind the "=" of a directive. Each kind of directive has its own rules (systemd.syntax(7),
 * systemd.service(5), systemd.exec(5)), and silently drops what breaks them. test/systemd/escaping.test.ts checks these
 * against a real systemd.
 */

declare const escaped: unique symbol

/** An escaped value of a unit. Only the functions below make one, so nothing gets into a unit unescaped. */
export type Directive = string & { readonly [escaped]: true }

/** `Environment=`: one assignment, quoted as a whole. `$` is literal here; a bare `%` starts a specifier. */
export function assignment(name: string, value: string): Directive {
  return quoted(`${name}=${value}`)
}

/**
 * `ExecStart=` and similar. The colon turns off substitution by `$`; every argument is quoted.
 *
 * @param argv an absolute path, and the arguments
 * @param prefix further characters in front of the path, such as `+`
 */
export function command(argv: readonly string[], prefix = ''): Directive {
  const [program] = argv
  if (!program?.startsWith('/')) throw new Error(`expected the absolute path of a program, got "${program}"`)
  return written(`${prefix}:${argv.map(quoted).join(' ')}`)
}

/** `WorkingDirectory=`, `EnvironmentFile=`: the rest of the line. Quotes would be part of the path. */
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

/** Names, numbers and flags, and lists of them: nothing that needs escaping. `%i` stays a specifier. */
export function words(...values: readonly (string | number)[]): Directive {
  for (const value of values) {
    if (!/^(?:[\w@.:~+-]|%[ijnN])+$/.test(String(value))) throw new Error(`expected a word, got "${value}"`)
  }
  return written(values.join(' '))
}

/** A time span. Zero means no limit to `TimeoutStopSec=` and similar, so the minimum is a millisecond. */
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
  if (value.includes('\0')) throw new Error('an argument cannot contain a NUL character')
  const text = value.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
    /[\u0001-\u001f\u007f"\\]/g,
    (character) => shortEscapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return written(`"${withoutSpecifiers(text)}"`)
}

/** Whether a value can be written as the rest of a line. */
export function fitsOnOneLine(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  return !/[\u0000-\u001f\u007f]|\\$|^\s|\s$/.test(value)
}

/** There is no escape for a line break here, and a trailing backslash would join the next line. */
function onOneLine(value: string): string {
  if (!fitsOnOneLine(value)) {
    throw new Error(
      `${JSON.stringify(value)} cannot be written in a unit: it has a control character, or a space or "\\" at an end`,
    )
  }
  return value
}

function written(value: string): Directive {
  return value as Directive
}
