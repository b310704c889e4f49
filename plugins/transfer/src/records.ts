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
