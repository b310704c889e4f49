import { checkAgainst, type StandardSchema } from '../../src/config/standard-schema.ts'
import { problemLine } from '../../src/errors.ts'

/** Everything that a schema finds wrong with a value, each with its path. */
export async function problemsOf(schema: StandardSchema, value: unknown): Promise<string[]> {
  return (await checkAgainst(schema, value)).problems.map(problemLine)
}
