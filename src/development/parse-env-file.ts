/** A name, `=` or a colon, then a value: in one of three quotes, over several lines if need be, or up to a comment. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t]+)[ \t]*('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\n]*)?[ \t]*(?:#.*)?$/gm

/**
 * Reads a file of variables by the rules of dotenv. Node's own `parseEnv` reads most files alike, but cuts `"it\"s"`
 * short, passes over `NAME: value`, leaves `\r` as it is written, and takes a byte order mark for a part of a name.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const clean = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')
  return Object.fromEntries(
    [...clean.matchAll(assignment)].map(([, name, value = '']) => [name!, unquoted(value.trim())]),
  )
}

function unquoted(value: string): string {
  const quote = value[0]
  if (value.length < 2 || value.at(-1) !== quote || !`'"\``.includes(quote!)) return value
  const inside = value.slice(1, -1)
  return quote === '"' ? inside.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inside
}
