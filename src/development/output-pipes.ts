import { execFile } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OutputStream } from './service-report.ts'

/**
 * What a service writes into, as pipes with names. A pipe of Node's own is a socket that dies with ops: the last words of
 * a service on the way to a clean end would end it by SIGPIPE instead. These have a name by which the guardian goes on
 * reading, and a program can open them once more as /dev/stdout, which it cannot with a socket.
 */
export interface OutputPipes {
  /** The folder that they are in, and that whoever stops the service removes. */
  readonly directory: string
  /** For the service. */
  readonly write: Readonly<Record<OutputStream, number>>
  readonly read: Readonly<Record<OutputStream, Socket>>
  /** Once the service has them, ops lets go of its ends: else their output would never come to its end. */
  closeWriters(): void
  remove(): void
}

export const outputStreams = ['stdout', 'stderr'] as const satisfies readonly OutputStream[]

export async function makeOutputPipes(): Promise<OutputPipes> {
  // Not in the project: some file systems that a project can be on have no pipes.
  const directory = await mkdtemp(join(tmpdir(), 'ops-output-'))
  const path = (stream: OutputStream) => join(directory, stream)
  await promisify(execFile)('mkfifo', ['-m', '600', ...outputStreams.map(path)])
  const open = <End>(end: (stream: OutputStream) => End) => ({ stdout: end('stdout'), stderr: end('stderr') })
  // Without O_NONBLOCK it would wait for a writer.
  const read = open(
    (stream) => new Socket({ fd: openSync(path(stream), constants.O_RDONLY | constants.O_NONBLOCK), writable: false }),
  )
  // The service has both ends: a pipe that somebody can read does not end its writer, also when ops is dead.
  const write = open((stream) => openSync(path(stream), constants.O_RDWR))
  return {
    directory,
    write,
    read,
    closeWriters() {
      for (const stream of outputStreams) closeSync(write[stream])
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
