import { open, stat } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'

/** Enough for the last lines of anything, and little to read of a log of gigabytes. */
const tailBytes = 16 * 1024

/** How long the log is now: what a program writes from here on is its own. */
export async function logLength(file: string): Promise<number> {
  const stats = await stat(file).catch(() => undefined)
  return stats?.size ?? 0
}

/** The last lines that stand in a log behind `from`, without colours, empty lines, and progress that was overwritten. */
export async function lastLinesSince(file: string, from: number): Promise<string[]> {
  const end = await logLength(file)
  const start = Math.max(from, end - tailBytes)
  if (end <= start) return []
  await using handle = await open(file)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
  return stripVTControlCharacters(buffer.toString('utf8', 0, bytesRead))
    .split('\n')
    .map(
      (line) =>
        line
          .split('\r')
          .findLast((part) => part.trim() !== '')
          ?.trim() ?? '',
    )
    .filter((line) => line !== '' && !line.startsWith('$ '))
}
