/**
 * The text of an `EnvironmentFile=` that systemd reads as exactly these variables (systemd.exec(5)). Everything is in
 * double quotes, in which four characters alone mean something; line breaks and `%` stand as they are.
 *
 * @param comment lines for those who open the file
 */
export function environmentFile(variables: Readonly<Record<string, string>>, comment: readonly string[]): string {
  const lines = Object.entries(variables).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\$`]/g, (character) => `\\${character}`)}"`,
  )
  return [...comment.map((line) => `# ${line}`), ...lines, ''].join('\n')
}

/** Why systemd would not give a variable to a program, though it could be written; undefined where it would. */
export function unreadable(name: string, value: string): string | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'its name has more than letters, digits and "_"'
  if (value.includes('\0')) return 'its value has a NUL in it'
  // It takes a value for text, and these for none.
  return value.isWellFormed() && !/\p{Noncharacter_Code_Point}/u.test(value)
    ? undefined
    : 'its value has a character in it that Unicode keeps free'
}
