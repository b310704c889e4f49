import type { InputProblem } from '../errors.ts'

/** The interface of https://standardschema.dev, version 1: what zod, valibot, arktype and others implement. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Checks a value: the value as the schema returns it, or every problem with its path. */
export async function checkAgainst<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  path = '',
): Promise<{ value: Output; problems: [] } | { value: undefined; problems: InputProblem[] }> {
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return { value: result.value, problems: [] }
  const problems = result.issues.map(({ message, path: keys = [] }) => {
    const where = [path, ...keys.map((key) => String(typeof key === 'object' ? key.key : key))]
      .filter(Boolean)
      .join('.')
    return { where, message }
  })
  return { value: undefined, problems }
}
