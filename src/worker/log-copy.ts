import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'

/** How long the copy may lag behind a program that has ended but left processes, which may hold the pipe open for ever. */
const LAG_MS = 1000

/** The same where no process is left, so that the copy ends by itself, however slow the machine. */
const LAG_ALONE_MS = 10_000

/**
 * Appends what it reads to the log and passes it on. It is a separate process, so that output still reaches the log when
 * ops is killed; a closed pipe must not end it.
 */
const TEE = ['-c', 'trap "" PIPE TERM INT HUP; exec tee -a "$0" 2>/dev/null']

/** A program's output on its way into the log. */
export interface LogCopy {
  /** What the program writes to. */
  readonly fd: number
  /** Closes our end, once the program has its own: the copy ends when the last one is closed. */
  release(): void
  /**
   * What was copied by the time the program has ended.
   *
   * @param end `isAlone`: whether everything the program started has ended with it
   */
  text(end: { isAlone: boolean }): Promise<string>
}

/**
 * @param file the log, or /dev/null for what only ops reads
 * @param options `keep`: bytes to keep at least, from the end; `onText`: called with each piece as it arrives
 */
export function copyToLog(
  file: string,
  { keep = Number.POSITIVE_INFINITY, onText }: { keep?: number | undefined; onText?: (text: string) => void } = {},
): LogCopy {
  const tee = execa('sh', [...TEE, file], {
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
    // The descriptor, not the stream: execa would wait for a stream of ours to end.
    fd: (tee.stdin as unknown as { _handle: { fd: number } })._handle.fd,
    release: () => tee.stdin.destroy(),
    async text({ isAlone }) {
      await Promise.race([tee, delay(isAlone ? LAG_ALONE_MS : LAG_MS, undefined, { ref: false })])
      // Ends our reading, not the copying: what is still written goes to the log.
      tee.stdout.destroy()
      return Buffer.concat(chunks)
        .toString()
        .replace(/\r?\n$/, '')
    },
  }
}
