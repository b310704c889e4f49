import {
  type ExecError,
  type ExecOptions,
  formatExit,
  formatFailure,
  lastLines,
  logLength,
  type TaskContext,
  TaskError,
} from '@ops-cli/core'

export type RunContext = Pick<TaskContext, 'exec' | 'log' | 'signal' | 'logFile'>

/**
 * Runs a program with its output in the task's log only: it may print for half an hour, so nothing is kept in memory,
 * and the last lines are read back from the log when it fails.
 *
 * @param line the command as a person would type it
 * @throws TaskError with the last lines
 */
export async function runProgram(
  line: string,
  [program, ...args]: readonly [string, ...string[]],
  options: Pick<ExecOptions, 'cwd' | 'env'>,
  { exec, log, signal, logFile }: RunContext,
): Promise<void> {
  log(`$ ${line}`)
  const start = await logLength(logFile)
  try {
    await exec(program, args, { ...options, extendEnv: false, buffer: false })
  } catch (error) {
    signal.throwIfAborted()
    const output = withoutNpm(await lastLines(logFile, start, { count: 100, length: 200 }))
    const explained = output.slice(-3).map((text) => text.trim())
    throw new TaskError(formatFailure(line, formatExit(error as ExecError), explained))
  }
}

/** npm ends with a dozen lines about itself, after the ones that explain the failure. */
function withoutNpm(lines: readonly string[]): readonly string[] {
  const others = lines.filter((line) => !/^npm (error|ERR!|notice)/.test(line))
  return others.length > 0 ? others : lines
}
