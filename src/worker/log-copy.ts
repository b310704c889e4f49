import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'

/** How long the copy may lag behind a program that has ended. A grandchild may hold the pipe open for ever. */
const PATIENCE_MS = 1000

/**
 * Appends what it reads to the log and passes it on. A process of its own between the program and ops, so that output
 * that ops wants too still reaches the log when ops is killed; that is why a closed pipe must not end it.
 */
const command = ['-c', 'trap "" PIPE TERM INT HUP; exec tee -a "$0" 2>/dev/null']

/** A copy of a program's output on its way into the log. */
export interface LogCopy {
  /** What the program gets as its standard output. */
  readonly fd: number
  /** Lets go of our end, once the program has its own: the copy ends when nobody holds it open any more. */
  release(): void
  /** What has passed when the program has ended. */
  text(): Promise<string>
}

export function copyToLog(file: string): LogCopy {
  const tee = execa('sh', [...command, file], {
    stderr: 'ignore',
    buffer: false,
    detached: true,
    cleanup: false,
    reject: false,
  })
  const chunks: Buffer[] = []
  tee.stdin.on('error', () => {})
  tee.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    // The descriptor and not the stream: execa would wait for a stream of ours to end in order.
    fd: (tee.stdin as unknown as { _handle: { fd: number } })._handle.fd,
    release: () => tee.stdin.destroy(),
    async text() {
      await Promise.race([tee, delay(PATIENCE_MS, undefined, { ref: false })])
      // Ends our reading, not the copying: whoever still writes goes on into the log.
      tee.stdout.destroy()
      return Buffer.concat(chunks)
        .toString()
        .replace(/\r?\n$/, '')
    },
  }
}
