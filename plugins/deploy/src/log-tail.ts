import { open, stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'

/** Enough for the last lines of anything. */
const tailBytes = 16 * 1024

/** How long the log is now: what a program writes from here on is its own. */
export async function logLength(file: string): Promise<number> {
  const stats = await stat(file).catch(() => undefined)
  return stats?.size ?? 0
}

/** The last lines that stand in a log behind `from`. */
export async function logTail(file: string, from: number): Promise<string[]> {
  const end = await logLength(file)
  const start = Math.max(from, end - tailBytes)
  if (end <= start) return []
  await using handle = await open(file)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
  return lastLines(buffer.toString('utf8', 0, bytesRead))
}

/** The last lines of a text that say something, without colours. */
export function lastLines(text: string): string[] {
  return stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-3)
    .map((line) => (line.length > 300 ? `${line.slice(0, 299)}…` : line))
}
