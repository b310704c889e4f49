import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'

/** How long the copy may lag behind a program that has ended, where what it has started may hold the pipe open for ever. */
const PATIENCE_MS = 1000

/** The same where nothing of it is left, so that the copy ends as soon as the machine lets it. */
const PATIENCE_ALONE_MS = 10_000

/**
 * Appends what it reads to the log and passes it on. A process of its own between the program and ops, so that output
 * that ops wants too still reaches the log when ops is killed; that is why a closed pipe must not end it.
 */
const command = ['-c', 'trap "" PIPE TERM INT HUP; exec tee -a "$0" 2>/dev/null']

/** A copy of a program's output on its way into the log. */
export interface LogCopy {
  /** What the program gets to write to. */
  readonly fd: number
  /** Lets go of our end, once the program has its own: the copy ends when nobody holds it open any more. */
  release(): void
  /**
   * What has passed when the program has ended.
   *
   * @param end `isAlone`: whether all that the program has started has ended with it
   */
  text(end: { isAlone: boolean }): Promise<string>
}

/**
 * @param file the log, or /dev/null for what belongs to ops alone
 * @param options `keep`: of so many bytes at least the end is kept; `onText`: is given each piece as it comes
 */
export function copyToLog(
  file: string,
  { keep = Number.POSITIVE_INFINITY, onText }: { keep?: number | undefined; onText?: (text: string) => void } = {},
): LogCopy {
  const tee = execa('sh', [...command, file], {
    stderr: 'ignore',
    buffer: false,
    detached: true,
    cleanup: false,
    reject: false,
  })
  const decoder = new StringDecoder()
  const chunks: Buffer[] = []
  let size = 0
  tee.stdin.on('error', () => {})
  tee.stdout.on('data', (chunk: Buffer) => {
    onText?.(decoder.write(chunk))
    chunks.push(chunk)
    size += chunk.length
    while (size - chunks[0]!.length >= keep) size -= chunks.shift()!.length
  })
  return {
    // The descriptor and not the stream: execa would wait for a stream of ours to end in order.
    fd: (tee.stdin as unknown as { _handle: { fd: number } })._handle.fd,
    release: () => tee.stdin.destroy(),
    async text({ isAlone }) {
      await Promise.race([tee, delay(isAlone ? PATIENCE_ALONE_MS : PATIENCE_MS, undefined, { ref: false })])
      // Ends our reading, not the copying: whoever still writes goes on into the log.
      tee.stdout.destroy()
      return Buffer.concat(chunks)
        .toString()
        .replace(/\r?\n$/, '')
    },
  }
}
