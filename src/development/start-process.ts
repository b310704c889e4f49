import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { closeSync, constants as fileConstants, openSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { Socket } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { execa } from 'execa'
import { OpsError } from '../errors.ts'
import { onWholeLines } from './output-lines.ts'
import type { PlannedService } from './planned-service.ts'
import type { Exit, OutputStream } from './service-reporter.ts'

/** The first process of a service, and the group of everything it starts. */
export interface ServiceProcess {
  readonly group: number
  /** Emits `lines`, text of whole lines. */
  readonly output: EventEmitter<{ lines: [text: string, stream: OutputStream] }>
  /** Resolves when the first process has exited and its output has been passed on. */
  readonly exit: Promise<Exit>
}

/** How long output may follow an exit: a process that left the group can hold it open forever. */
const LAST_OUTPUT_MS = 250

/** @throws OpsError SERVICE_NOT_STARTED when the program or the folder does not exist */
export async function startProcess(
  service: PlannedService,
  env: Record<string, string>,
  pipes: OutputPipes,
): Promise<ServiceProcess> {
  const options = {
    cwd: service.cwd,
    env,
    extendEnv: false,
    // Its own session, so that Ctrl-C in the terminal reaches only ops, which then signals each group once.
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    // execa accepts any file descriptor, but its types only the first ten.
    ...(pipes.write as Record<OutputStream, 3>),
    // execa ends a program whose buffered output exceeds its limit.
    buffer: false,
    reject: false,
  } as const
  const { command } = service
  const child =
    typeof command === 'string'
      ? execa(command, { ...options, shell: true })
      : execa(command[0]!, command.slice(1), options)
  pipes.closeWriters()
  if (child.pid === undefined) {
    const cause = (await child) as unknown as Error
    throw new OpsError('SERVICE_NOT_STARTED', `Cannot start "${service.name}": ${cause.message.trim()}.`, { cause })
  }

  const output: ServiceProcess['output'] = new EventEmitter()
  const closed = OUTPUT_STREAMS.map((name) => {
    const stream = pipes.read[name]
    onWholeLines(stream, (text) => output.emit('lines', text, name))
    return new Promise<void>((resolve) => stream.once('close', resolve))
  })
  const exit = new Promise<Exit>((resolve) => {
    child.nodeChildProcess.once('exit', async (code, signal) => {
      await Promise.race([Promise.all(closed), sleep(LAST_OUTPUT_MS)])
      resolve(
        signal === null
          ? { exitCode: code ?? 1, signal: undefined }
          : { exitCode: 128 + constants.signals[signal], signal },
      )
    })
  })
  return { group: child.pid, output, exit }
}

/**
 * Named pipes for a service's output. Node's own pipe is a socket that dies with ops, and a service that writes during a
 * clean stop would be killed by SIGPIPE. The guardian can go on reading these by their names, and a program can reopen
 * them as /dev/stdout, which it cannot with a socket.
 */
export interface OutputPipes {
  /** The folder they are in, removed when the service has stopped. */
  readonly directory: string
  /** For the service. */
  readonly write: Readonly<Record<OutputStream, number>>
  readonly read: Readonly<Record<OutputStream, Socket>>
  /** To be called once the service has them: the output ends when the last writer is closed. */
  closeWriters(): void
  remove(): void
}

const OUTPUT_STREAMS = ['stdout', 'stderr'] as const satisfies readonly OutputStream[]

export async function openOutputPipes(): Promise<OutputPipes> {
  // Not in the project, whose file system may not support pipes.
  const directory = await mkdtemp(join(tmpdir(), 'ops-output-'))
  const path = (stream: OutputStream) => join(directory, stream)
  await promisify(execFile)('mkfifo', ['-m', '600', ...OUTPUT_STREAMS.map(path)])
  const open = <End>(end: (stream: OutputStream) => End) => ({ stdout: end('stdout'), stderr: end('stderr') })
  // Without O_NONBLOCK, opening would wait for a writer.
  const read = open(
    (stream) =>
      new Socket({ fd: openSync(path(stream), fileConstants.O_RDONLY | fileConstants.O_NONBLOCK), writable: false }),
  )
  // The service holds both ends: a pipe with a reader does not kill its writer, even when ops is dead.
  const write = open((stream) => openSync(path(stream), fileConstants.O_RDWR))
  return {
    directory,
    write,
    read,
    closeWriters() {
      for (const stream of OUTPUT_STREAMS) closeSync(write[stream])
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
