import type { Problem } from '../errors.ts'

/** The message, and below it what to do. */
export function formatProblem({ message, suggestions }: Problem): string {
  const lines = suggestions.map((suggestion, index) => `  ${index === 0 ? 'Try: ' : '     '}${suggestion}`)
  return [message, ...lines].join('\n')
}
