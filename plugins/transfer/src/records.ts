/** A row of a file, before its values are parsed. */
export interface FileRecord {
  /** Its first line, from 1. */
  readonly line: number
  /** In the order of the names; a string or null from CSV, any JSON value from NDJSON. */
  readonly fields: readonly unknown[]
  /** Why it is invalid. */
  readonly problem?: string
}

/** The rows of a file in batches, so that memory stays flat and the event loop turns. */
export interface Records {
  /** The names of its fields. */
  readonly names: readonly string[]
  readonly batches: AsyncIterable<readonly FileRecord[]>
}

/** A record without an end would keep the whole file in memory. */
export const LONGEST_RECORD_BYTES = 16 * 1024 * 1024

/** JSON that is nested deeper than any parser or database needs, and that would exhaust the stack of some. */
const DEEPEST = 1000

/** Whether a text has more open brackets at one place than JSON may; those in strings count too, and close. */
export function isTooDeep(text: string): boolean {
  if (text.length < DEEPEST) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 91 || code === 123) depth += 1
    else if (code === 93 || code === 125) depth -= 1
    if (depth > DEEPEST) return true
  }
  return false
}

export const TOO_DEEP = `nested deeper than ${DEEPEST} levels`

/**
 * A name in a file as messages may quote it. A file that is not what it should be has other people's data where its
 * names belong.
 */
export function quoteName(name: string, index: number): string {
  return /^[\p{L}_][\p{L}\p{N}_ .-]{0,62}$/u.test(name) ? `"${name}"` : `field ${index + 1}`
}

/** Puts a batch that was read ahead before the rest. */
export async function* withFirst<T>(
  first: readonly T[],
  rest: AsyncIterator<readonly T[]>,
): AsyncGenerator<readonly T[]> {
  if (first.length > 0) yield first
  for (;;) {
    const { value, done } = await rest.next()
    if (done) return
    yield value
  }
}
