import { readFileSync } from 'node:fs'
import { exitStatus, OpsError } from '../errors.ts'
import { formatSystemError } from '../format.ts'

/**
 * The text of a file, or of standard input where its name is `-`.
 *
 * @param flag that names the file
 * @param suggestion what the file should be
 * @throws OpsError INPUT_UNREADABLE
 */
export function readInput(source: string, flag: string, suggestion: string): string {
  try {
    return readFileSync(source === '-' ? 0 : source, 'utf8')
  } catch (error) {
    throw inputUnreadable(source, flag, suggestion, error)
  }
}

export function inputUnreadable(source: string, flag: string, suggestion: string, cause: unknown): OpsError {
  const file = source === '-' ? 'standard input' : `"${source}"`
  return new OpsError('INPUT_UNREADABLE', `Cannot read ${file}: ${formatSystemError(cause)}.`, {
    where: flag,
    exit: exitStatus.usage,
    suggestions: [suggestion],
    cause,
  })
}
