import { open, stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'

/** Read back from the end of a log that may hold gigabytes. */
const READ_BYTES = 16 * 1024

export interface LastLinesOptions {
  /** The number of lines at most. */
  readonly count?: number
  /** A longer line is cut and ends in an ellipsis. */
  readonly length?: number
}

/** The bytes in a log so far; 0 without a file. What is appended from now on starts here. */
export async function logLength(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}

/**
 * The last lines of a log behind the position `from`, as a terminal would show them: without colours, blank lines and
 * progress that was overwritten.
 *
 * @param options 20 lines of 500 characters by default
 */
export async function lastLines(file: string, from = 0, options: LastLinesOptions = {}): Promise<string[]> {
  const end = await logLength(file)
  // The middle of a log that was too long is left out, with the position.
  const start = Math.max(end < from ? 0 : from, end - READ_BYTES)
  if (end <= start) return []
  await using handle = await open(file)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
  const text = buffer.toString('utf8', 0, bytesRead)
  // Its first line has probably lost its beginning.
  return lastLinesOf(start > from && text.includes('\n') ? text.slice(text.indexOf('\n') + 1) : text, options)
}

/** The same of a text. */
export function lastLinesOf(text: string, { count = 20, length = 500 }: LastLinesOptions = {}): string[] {
  // PostgreSQL stores no null character in a text.
  return stripVTControlCharacters(text)
    .replaceAll('\0', '')
    .split('\n')
    .map((line) => line.split('\r').findLast((part) => part.trim() !== '') ?? '')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count)
    .map((line) => (line.length > length ? `${line.slice(0, length - 1)}…` : line))
}
