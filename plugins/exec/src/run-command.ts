import {
  type ExecError,
  formatExit,
  formatFailure,
  lastLines,
  lastLinesOf,
  logLength,
  programEnvironment,
  redactText,
  secretsIn,
  type TaskContext,
  TaskError,
} from '@ops-cli/core'
import type { Command } from './command.ts'
import type { Settings } from './settings.ts'

/** The columns that a command writes, whether it succeeds or fails. */
export interface CommandResult {
  readonly exitCode: number | null
  readonly outputTail: string | null
}

/**
 * Runs a command with its output in the task's log only: it may print for hours, so nothing is kept in memory, and the
 * last lines are read back from the log.
 *
 * @throws TaskError with the exit status and the last lines as columns
 */
export async function runCommand(command: Command, context: TaskContext<Settings>): Promise<CommandResult> {
  const { exec, log, logFile, signal, settings } = context
  const { line, program, timeout, cwd } = command
  log(`$ ${line}`)
  const start = await logLength(logFile)
  const secrets = secretsIn({ ...settings.env, ...command.env })
  const result = async (exitCode: number | undefined): Promise<CommandResult> => ({
    exitCode: exitCode ?? null,
    outputTail: redactText((await lastLines(logFile, start)).join('\n'), secrets) || null,
  })
  try {
    const { exitCode } = await exec(program, command.arguments, {
      cwd,
      env: { ...programEnvironment(settings.passEnv), ...settings.env, ...command.env },
      extendEnv: false,
      buffer: false,
      ...(timeout && { timeout: timeout.milliseconds }),
    })
    return await result(exitCode)
  } catch (error) {
    signal.throwIfAborted()
    const failure = error as ExecError
    const columns = await result(failure.exitCode)
    const output = lastLinesOf(columns.outputTail ?? '', { count: 3, length: 200 }).map((text) => text.trim())
    throw new TaskError(redactText(formatFailure(line, explain(failure, timeout), output), secrets), {
      columns: { ...columns },
      cause: error,
    })
  }
}

function explain(failure: ExecError, timeout: Command['timeout']): string {
  if (failure.timedOut) return `timed out after ${timeout?.text}`
  const advice =
    failure.code === 'ENOENT' ? '; use an absolute path, or leave out "arguments" to run it in a shell' : ''
  return `${formatExit(failure)}${advice}`
}
