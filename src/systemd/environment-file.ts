import { readFileSync } from 'node:fs'

/**
 * The text of an `EnvironmentFile=` that systemd reads as exactly these variables (systemd.exec(5)). Each value is in
 * double quotes, where only four characters need a backslash; line breaks and `%` stand as they are.
 *
 * @param comment lines for people who open the file
 */
export function formatEnvironmentFile(variables: Readonly<Record<string, string>>, comment: readonly string[]): string {
  const lines = Object.entries(variables).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\$`]/g, (character) => `\\${character}`)}"`,
  )
  return [...comment.map((line) => `# ${line}`), ...lines, ''].join('\n')
}

/** The variables in a text of `formatEnvironmentFile`. A value can have line breaks. */
export function parseEnvironmentFile(text: string): Map<string, string> {
  const assignments = text.matchAll(/^(\w+)="((?:[^"\\]|\\[\s\S])*)"$/gm)
  return new Map([...assignments].map(([, name, value]) => [name!, value!.replaceAll(/\\(["\\$`])/g, '$1')]))
}

/** `OPS_DATABASE_URL` of the units; undefined where this user cannot read it. */
export function readDatabaseUrl(settingsFolder: string): string | undefined {
  try {
    return parseEnvironmentFile(readFileSync(`${settingsFolder}/worker.env`, 'utf8')).get('OPS_DATABASE_URL')
  } catch {
    return undefined
  }
}

/** Why systemd ignores a variable in an environment file; undefined if it does not. */
export function whyUnsupported(name: string, value: string): string | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'a name can only have letters, digits and "_"'
  if (value.includes('\0')) return 'its value has a NUL character'
  // systemd takes only valid UTF-8, and takes noncharacters for invalid.
  return value.isWellFormed() && !/\p{Noncharacter_Code_Point}/u.test(value)
    ? undefined
    : 'its value has a character that Unicode reserves'
}
