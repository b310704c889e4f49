import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  type ExecError,
  formatExit,
  lastLines,
  lastLinesOf,
  logLength,
  OpsError,
  type TaskContext,
  TaskError,
} from '@ops-cli/core'

export interface ProgramOptions {
  /** The whole environment of the program, except for the variables that mark the run. */
  readonly env: Readonly<Record<string, string>>
  /** Written to its standard input, which then stays open as long as this process lives. */
  readonly input?: string
  /** A file for its standard input. */
  readonly inputFile?: string
  /** Whether to return its output; otherwise the output goes to the task's log. */
  readonly capture?: boolean
}

/**
 * Runs a program and returns its output if asked to.
 *
 * @throws ProgramError, ProgramMissingError
 */
export type Runner = (program: string, args: readonly string[], options: ProgramOptions) => Promise<string>

/** A program that failed. */
export class ProgramError extends TaskError {
  readonly exitCode: number | undefined
  /** The end of its output. */
  readonly lines: readonly string[]
  /** The message without the program: `failed with exit code 1: one | two`. */
  readonly explanation: string

  constructor(program: string, exit: string, exitCode?: number, lines: readonly string[] = []) {
    const explanation = `${exit}${lines.length > 0 ? `: ${lines.join(' | ')}` : ''}`
    super(`${program} ${explanation}`)
    this.exitCode = exitCode
    this.lines = lines
    this.explanation = explanation
  }
}

export class ProgramMissingError extends OpsError {
  constructor(program: string, path: string | undefined) {
    super('PROGRAM_MISSING', `${program} not found on the PATH (${path}); install it on this machine`)
  }
}

const SHORT = { count: 3, length: 300 }

/** Runs programs of a task, which end with it. */
export function taskRunner(context: Pick<TaskContext, 'exec' | 'signal' | 'logFile' | 'workDirectory'>): Runner {
  const { exec, signal, logFile } = context
  return async (program, args, { env, input, inputFile, capture }) => {
    const outputFile = capture ? join(context.workDirectory, randomUUID()) : undefined
    const [first, ...rest] = redirect([program, ...args], { inputFile, outputFile })
    const start = await logLength(logFile)
    try {
      await exec(first!, rest, {
        env,
        extendEnv: false,
        buffer: false,
        ...(input === undefined ? {} : { input: keepOpen(input) }),
      })
      return outputFile === undefined ? '' : await readFile(outputFile, 'utf8')
    } catch (error) {
      signal.throwIfAborted()
      const failure = error as ExecError
      if (failure.code === 'ENOENT') throw new ProgramMissingError(program, env.PATH)
      const lines = await lastLines(logFile, start, SHORT)
      throw new ProgramError(program, formatExit(failure), failure.exitCode, lines)
    } finally {
      if (outputFile !== undefined) await rm(outputFile, { force: true })
    }
  }
}

/**
 * Runs programs outside of a task: those of a command, or the last ones of a task that must end.
 *
 * @param until ends them
 * @param log called with their output
 * @param marks variables that mark the run
 */
export function standaloneRunner(
  until: AbortSignal,
  log: (text: string) => void = () => {},
  marks: Readonly<Record<string, string>> = {},
): Runner {
  return (program, args, { env, input, inputFile, capture }) =>
    new Promise((resolve, reject) => {
      const [first, ...rest] = redirect([program, ...args], { inputFile })
      // A group of its own, so that everything it starts can be ended with it.
      const child = spawn(first!, rest, { env: { ...env, ...marks }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
      const end = () => {
        if (child.pid !== undefined && child.exitCode === null) endGroup(child.pid)
      }
      let stdout = ''
      let stderr = ''
      child.stdin.on('error', () => {})
      if (input === undefined) child.stdin.end()
      else child.stdin.write(input)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        if (!capture) log(text)
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
        log(text)
      })
      child.on('error', ({ code, message }: NodeJS.ErrnoException) => {
        until.removeEventListener('abort', end)
        if (code === 'ENOENT') return reject(new ProgramMissingError(program, env.PATH))
        const exit = formatExit({ exitCode: undefined, signal: undefined, code, originalMessage: message })
        reject(new ProgramError(program, exit))
      })
      child.on('close', (code, signal) => {
        until.removeEventListener('abort', end)
        if (code === 0) return resolve(capture ? stdout : '')
        if (until.aborted) return reject(new ProgramError(program, 'timed out'))
        const exitCode = code ?? undefined
        const lines = lastLinesOf(stdout + stderr, SHORT)
        reject(new ProgramError(program, formatExit({ exitCode, signal: signal ?? undefined }), exitCode, lines))
      })
      if (until.aborted) end()
      else until.addEventListener('abort', end, { once: true })
    })
}

/** Puts a shell in front that opens the files, so that no data passes through this process. */
function redirect(
  command: readonly string[],
  { inputFile, outputFile }: { inputFile?: string | undefined; outputFile?: string | undefined },
): readonly string[] {
  if (outputFile === undefined && inputFile === undefined) return command
  const script = `exec "$@"${inputFile === undefined ? '' : ' < "$IN"'}${outputFile === undefined ? '' : ' > "$OUT"'}`
  const setup = `IN=$1 OUT=$2; shift 2; ${script}`
  return ['/bin/sh', '-c', setup, 'sh', inputFile ?? '', outputFile ?? '', ...command]
}

/** The text, and no end of the stream before the reader is gone. */
function keepOpen(text: string): Readable {
  const stream = new Readable({ read() {} })
  stream.push(text)
  return stream
}

function endGroup(pid: number): void {
  for (const [signal, delayMs] of [
    ['SIGTERM', 0],
    ['SIGKILL', 1000],
  ] as const) {
    setTimeout(() => {
      try {
        process.kill(-pid, signal)
      } catch {
        // It has ended.
      }
    }, delayMs).unref()
  }
}
