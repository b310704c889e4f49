import { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Exit } from './after-exit.ts'
import { type OutputPipes, outputStreams } from './output-pipes.ts'
import type { PlannedService } from './planned-service.ts'
import { ServiceNotStartedError } from './service-errors.ts'
import type { OutputStream } from './service-report.ts'
import { onWholeLines } from './whole-lines.ts'

/** One start of a service: its first process and the group of all that this one starts. */
export interface ServiceProcess {
  readonly group: number
  /** Emits `lines`, text of whole lines. */
  readonly output: EventEmitter<{ lines: [text: string, stream: OutputStream] }>
  /** When the first process has ended, and what it wrote has been passed on. */
  readonly exit: Promise<Exit>
}

/** A process that has left the group can hold the output open for ever. */
const lastWordsMs = 250

/** @throws ServiceNotStartedError when there is no such program or directory */
export async function startProcess(
  service: PlannedService,
  env: Record<string, string>,
  pipes: OutputPipes,
): Promise<ServiceProcess> {
  const options = {
    cwd: service.cwd,
    env,
    extendEnv: false,
    // Its own session: Ctrl-C in the terminal reaches ops alone, which then signals each group once.
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    // execa takes any open file, and its types the first ten.
    ...(pipes.write as Record<OutputStream, 3>),
    // execa ends a program whose kept output grows beyond its limit.
    buffer: false,
    reject: false,
  } as const
  const { command } = service
  const child =
    typeof command === 'string'
      ? execa(command, { ...options, shell: true })
      : execa(command[0]!, command.slice(1), options)
  pipes.closeWriters()
  if (child.pid === undefined) throw new ServiceNotStartedError(service.name, (await child) as unknown as Error)

  const output: ServiceProcess['output'] = new EventEmitter()
  const closed = outputStreams.map((name) => {
    const stream = pipes.read[name]
    onWholeLines(stream, (text) => output.emit('lines', text, name))
    return new Promise<void>((resolve) => stream.once('close', resolve))
  })
  const exit = new Promise<Exit>((resolve) => {
    child.nodeChildProcess.once('exit', async (code, signal) => {
      await Promise.race([Promise.all(closed), sleep(lastWordsMs)])
      resolve(
        signal === null
          ? { status: code ?? 1, signal: undefined }
          : { status: 128 + constants.signals[signal], signal },
      )
    })
  })
  return { group: child.pid, output, exit }
}
