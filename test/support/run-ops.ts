import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

const bin = join(dirname(dirname(import.meta.dirname)), 'bin')

/** `ops`, as it runs from these sources. */
export const opsProgram = join(bin, 'run.js')

const { start }: { start(argv: string[]): Promise<void> } = await import(pathToFileURL(join(bin, 'start.js')).href)

export interface OpsOptions {
  readonly cwd: string
  /** The whole environment: nothing of this process's own is added. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What is read from standard input; nothing by default. */
  readonly input?: string | undefined
}

export interface OpsResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode?: number | undefined
}

let isRunning = false

/** Whether a command runs in this process at the moment, which has only one working directory and one environment. */
export function isOpsRunning(): boolean {
  return isRunning
}

/**
 * Runs one command line of `ops` in this process, by what bin/run.js calls: a tenth of the time that a process of its own takes.
 * Nothing that it changes in the process stays changed. Signals, terminals and crashes need a real process.
 */
export async function runOps(argv: readonly string[], options: OpsOptions): Promise<OpsResult> {
  if (isRunning) throw new Error('another command runs in this process: start one of them as a process of its own')
  if (options.env.OPS_FAILPOINT) throw new Error('a failpoint ends the process: start ops as a process of its own')
  isRunning = true
  const stdout = captureWrites(process.stdout)
  const stderr = captureWrites(process.stderr)
  const undo = [
    keepListeners(process.stdout),
    keepListeners(process.stderr),
    keepListeners(process),
    stdout.release,
    stderr.release,
    changeDirectory(options.cwd),
    replaceEnvironment(options.env),
    replaceStdin(options.input),
    replaceArgv(argv),
  ]
  const exit = recordExit()
  try {
    await start([...argv])
    return { stdout: stdout.text(), stderr: stderr.text(), exitCode: exit.code() }
  } finally {
    exit.release()
    for (const restore of undo.reverse()) restore()
    isRunning = false
  }
}

function captureWrites(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const { write } = stream
  const chunks: Buffer[] = []
  stream.write = (chunk: Uint8Array | string, encoding?: unknown, callback?: unknown) => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encodingOf(encoding)) : Buffer.from(chunk))
    const done = typeof encoding === 'function' ? encoding : callback
    if (typeof done === 'function') process.nextTick(done)
    return true
  }
  return {
    text: () =>
      Buffer.concat(chunks)
        .toString()
        .replace(/\r?\n$/, ''),
    release: () => {
      stream.write = write
    },
  }
}

function encodingOf(value: unknown): BufferEncoding {
  return typeof value === 'string' ? (value as BufferEncoding) : 'utf8'
}

/** What a command listens to, it may leave to the end of its process. */
function keepListeners(emitter: NodeJS.EventEmitter): () => void {
  const before = new Map(emitter.eventNames().map((name) => [name, emitter.rawListeners(name)]))
  return () => {
    for (const name of emitter.eventNames()) {
      const kept = before.get(name) ?? []
      for (const listener of emitter.rawListeners(name)) {
        if (!kept.includes(listener)) emitter.off(name, listener as () => void)
      }
    }
  }
}

function changeDirectory(to: string): () => void {
  const from = process.cwd()
  process.chdir(to)
  return () => process.chdir(from)
}

/** In place, so that C code sees it too: the time zone is read from there. */
function replaceEnvironment(env: OpsOptions['env']): () => void {
  const before = { ...process.env }
  setEnvironment(env)
  return () => setEnvironment(before)
}

function setEnvironment(env: OpsOptions['env']): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value
}

function replaceStdin(input: string | undefined): () => void {
  const before = Object.getOwnPropertyDescriptor(process, 'stdin')!
  const value = Readable.from(input === undefined ? [] : [Buffer.from(input)])
  Object.defineProperty(process, 'stdin', { value, configurable: true })
  return () => Object.defineProperty(process, 'stdin', before)
}

function replaceArgv(argv: readonly string[]): () => void {
  const before = process.argv
  process.argv = [process.execPath, opsProgram, ...argv]
  return () => {
    process.argv = before
  }
}

/** oclif ends the process after an error; the first who does so decides. */
function recordExit(): { code(): number; release(): void } {
  const { exit, exitCode } = process
  let asked: number | undefined
  process.exitCode = undefined
  process.exit = ((code?: number) => {
    asked ??= Number(code ?? process.exitCode ?? 0)
  }) as typeof process.exit
  return {
    code: () => asked ?? Number(process.exitCode ?? 0),
    release: () => {
      process.exit = exit
      process.exitCode = exitCode
    },
  }
}
