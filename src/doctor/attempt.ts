import type { Finding } from '../queue/finding.ts'

/** What was found, or why it could not be. */
export async function attempt(name: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (error) {
    return [cannot(name, error)]
  }
}

/** An error as the finding that it is. */
export function cannot(name: string, error: unknown): Finding {
  const { message, suggestions = [] } = error as { message: string; suggestions?: readonly string[] }
  return {
    name,
    status: 'problem',
    found: message,
    remedy: suggestions.length === 0 ? undefined : suggestions.join(', '),
  }
}
