import { type ExecError, type TaskContext, TaskError } from '@ops-cli/core'
import type { Command } from './command.ts'
import { environmentFor } from './environment.ts'
import { logLength, outputTail } from './output-tail.ts'
import type { Settings } from './settings.ts'

/** The columns that a command writes, however it ends. */
export interface Ended {
  readonly exitCode: number | null
  readonly outputTail: string | null
}

/** How many of the last lines stand in the one line of an error. */
const LINES_OF_ERROR = 3
const LENGTH_OF_LINE = 200

/**
 * Runs a command with its output in the task's log and nowhere else: it may print for hours, so nothing is kept in
 * memory, and the last lines are read back from the log.
 *
 * @throws TaskError with the exit status and the last lines as columns
 */
export async function runCommand(command: Command, context: TaskContext<Settings>): Promise<Ended> {
  const { exec, log, logFile, signal, settings } = context
  const { shown, program, timeout, cwd } = command
  log(`$ ${shown}`)
  const from = await logLength(logFile)
  const ended = async (exitCode: number | undefined): Promise<Ended> => ({
    exitCode: exitCode ?? null,
    outputTail: (await outputTail(logFile, from)).join('\n') || null,
  })
  try {
    const { exitCode } = await exec(program, command.arguments, {
      cwd,
      env: environmentFor(command.env, settings),
      extendEnv: false,
      buffer: false,
      ...(timeout && { timeout: timeout.milliseconds }),
    })
    return await ended(exitCode)
  } catch (error) {
    signal.throwIfAborted()
    const failure = error as ExecError
    const columns = await ended(failure.exitCode)
    throw new TaskError(explain(command, failure, columns.outputTail), { columns: { ...columns }, cause: error })
  }
}

function explain({ shown, program, timeout }: Command, failure: ExecError, tail: string | null): string {
  const last = tail?.split('\n').slice(-LINES_OF_ERROR) ?? []
  const output = last.map((line) => shortened(line.trim(), LENGTH_OF_LINE)).join(' | ')
  return `\`${inOneLine(shown)}\` ${how(failure, program, timeout)}${output === '' ? '' : `: ${output}`}`
}

function how(
  { exitCode, signal, timedOut, code, originalMessage }: ExecError,
  program: string,
  timeout: Command['timeout'],
) {
  if (timedOut) return `timed out after ${timeout?.text}`
  if (exitCode !== undefined) return `failed with exit code ${exitCode}`
  if (signal !== undefined) return `was ended by ${signal}`
  if (code === 'ENOENT')
    return `could not be run: there is no program "${program}"; name its whole path, or leave "arguments" out for a shell`
  if (code === 'EACCES') return `could not be run: "${program}" is not executable`
  return `could not be run (${originalMessage})`
}

function inOneLine(command: string): string {
  return shortened(command.trim().replaceAll(/\s*\n\s*/g, '; '), 120)
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}
