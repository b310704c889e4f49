import { oneLine } from '../format.ts'
import type { ExecResult } from './task-context.ts'

const LONGEST_COMMAND = 120

/** How a program ended that did not succeed: `failed with exit code 2`, `was killed by SIGTERM`. */
export function formatExit({
  exitCode,
  signal,
  code,
  originalMessage,
}: Pick<ExecResult, 'exitCode' | 'signal' | 'code' | 'originalMessage'>): string {
  if (exitCode !== undefined) return `failed with exit code ${exitCode}`
  if (signal !== undefined) return `was killed by ${signal}`
  if (code === 'ENOENT') return 'could not be started: program not found'
  if (code === 'EACCES') return 'could not be started: not executable'
  return `could not be started: ${originalMessage ?? 'unknown error'}`
}

/**
 * Why a command failed, for the one line of a task's error: `` `make` failed with exit code 2: one | two ``.
 *
 * @param command as a person would type it
 * @param exit what became of it, such as `formatExit` words it
 * @param lastLines the end of its output
 */
export function formatFailure(command: string, exit: string, lastLines: readonly string[] = []): string {
  const line = oneLine(command.trim().replaceAll(/\s*\n\s*/g, '; '))
  const shown = line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND - 1)}…` : line
  return `\`${shown}\` ${exit}${lastLines.length > 0 ? `: ${lastLines.join(' | ')}` : ''}`
}
