/** A row of a file before it is understood. */
export interface FileRecord {
  /** Where it begins, from 1. */
  readonly line: number
  /** In the order of the names; a text or null from CSV, anything that JSON knows from NDJSON. */
  readonly fields: readonly unknown[]
  /** Why it cannot be a row. */
  readonly problem?: string
}

/** The rows of a file, some thousand at a time, so that memory stays flat and the event loop turns. */
export interface Records {
  /** What its fields are called. */
  readonly names: readonly string[]
  readonly batches: AsyncIterable<readonly FileRecord[]>
}

/** A record that has no end keeps all of the file in memory. */
export const LONGEST_RECORD = 16 * 1024 * 1024

/** The batches behind one whose beginning was looked at. */
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
