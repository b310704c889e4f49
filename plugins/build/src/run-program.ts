import type { ExecError, ExecOptions, TaskContext } from '@ops-cli/core'
import { CommandFailedError } from './errors.ts'
import { lastLinesSince, logLength } from './log-tail.ts'

export type RunContext = Pick<TaskContext, 'exec' | 'log' | 'signal' | 'logFile'>

/**
 * Runs a program with its output in the task's log and nowhere else: it may print for half an hour, so it is not kept
 * in memory, and is read back from the log's end when the program fails.
 *
 * @param shown the command as a person would write it
 * @throws CommandFailedError with the end of its output
 */
export async function runProgram(
  shown: string,
  [program, ...args]: readonly [string, ...string[]],
  options: Pick<ExecOptions, 'cwd' | 'env'>,
  { exec, log, signal, logFile }: RunContext,
): Promise<void> {
  log(`$ ${shown}`)
  const from = await logLength(logFile)
  try {
    await exec(program, args, { ...options, extendEnv: false, buffer: false })
  } catch (error) {
    signal.throwIfAborted()
    throw new CommandFailedError(shown, error as ExecError, telling(await lastLinesSince(logFile, from)))
  }
}

/** npm ends with a dozen lines about itself; what the build said stands before them. */
function telling(lines: readonly string[]): string[] {
  const own = lines.filter((line) => !/^npm (error|ERR!|notice)/.test(line))
  return (own.length > 0 ? own : lines).slice(-3).map((line) => (line.length > 200 ? `${line.slice(0, 199)}…` : line))
}
