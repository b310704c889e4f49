import { SecondNameError } from '../scaffold/scaffold-errors.ts'

/**
 * The name of a new processor among what was typed, and its columns: they have a colon, and may follow each other behind
 * one `--column`.
 *
 * @throws SecondNameError
 */
export function splitProcessorArguments(
  words: readonly string[],
  columns: readonly string[] = [],
): { name: string | undefined; columns: string[] } {
  const [name, second] = words.filter((word) => !word.includes(':'))
  if (second !== undefined) throw new SecondNameError(name!, second)
  return { name, columns: [...columns, ...words.filter((word) => word.includes(':'))] }
}
