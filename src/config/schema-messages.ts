import { nearest } from '../errors.ts'

/** Messages for Valibot schemas, so that the settings of plugins are refused in the words of the configuration. */

/** `expected a duration such as "10m", got "soon"`. */
export function expected(what: string): (issue: { readonly input: unknown }) => string {
  return ({ input }) => `expected ${what}, got ${formatInput(input)}`
}

/** `unknown key, did you mean "parallel"?` */
export function unknownKey(key: string, known: readonly string[]): string {
  const name = nearest(key, known)
  return `unknown key, ${name === undefined ? `expected one of: ${known.join(', ')}` : `did you mean "${name}"?`}`
}

/** The message of `strictObject(entries, strictMessage(entries))`. */
export function strictMessage(
  entries: Readonly<Record<string, unknown>>,
): (issue: { readonly input: unknown; readonly expected: string | null }) => string {
  return ({ expected: wanted, input }) => {
    if (wanted === 'never') return unknownKey(String(input), Object.keys(entries))
    // A missing key is what Valibot expects in quotes.
    return wanted?.startsWith('"') ? 'is missing' : expected('an object')({ input })
  }
}

export function formatInput(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 60 ? `${json.slice(0, 59)}…` : json
}
