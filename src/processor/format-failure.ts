import { oneLine } from '../format.ts'

const LONGEST_COMMAND = 120

/**
 * Why a command failed, for the one line of a task's error: `` `make` failed with exit code 2: one | two ``.
 *
 * @param command as a person would type it
 * @param exit what became of it, as `formatExit` says it
 * @param lastLines the end of its output
 */
export function formatFailure(command: string, exit: string, lastLines: readonly string[] = []): string {
  const line = oneLine(command.trim().replaceAll(/\s*\n\s*/g, '; '))
  const shown = line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND - 1)}…` : line
  return `\`${shown}\` ${exit}${lastLines.length > 0 ? `: ${lastLines.join(' | ')}` : ''}`
}
