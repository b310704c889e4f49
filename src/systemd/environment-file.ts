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
