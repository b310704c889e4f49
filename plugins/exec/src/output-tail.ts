import { open, stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'

/** Read back from the end of a log that may hold gigabytes. */
const READ_BYTES = 16 * 1024

const LINES = 20
const LINE_LENGTH = 500

/** How long the log is now: what the command prints comes behind it. */
export async function logLength(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}

/** The last lines behind `from`, as a terminal would show them: without colours, and without what was overwritten. */
export async function outputTail(file: string, from: number): Promise<string[]> {
  const end = await logLength(file)
  const start = Math.max(from, end - READ_BYTES)
  if (end <= start) return []
  await using handle = await open(file)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
  // A null character is no text for PostgreSQL.
  const text = stripVTControlCharacters(buffer.toString('utf8', 0, bytesRead)).replaceAll('\0', '')
  const lines = text.split('\n').map(shownOf)
  // Cut somewhere in the middle, so its first line is none.
  if (start > from && lines.length > 1) lines.shift()
  const filled = lines.filter((line) => line.trim() !== '')
  return filled.slice(-LINES).map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH - 1)}…` : line))
}

function shownOf(line: string): string {
  return (line.split('\r').findLast((part) => part.trim() !== '') ?? '').trimEnd()
}
