import { safeParse } from 'valibot'
import type { InputProblem } from '../errors.ts'
import type { Config } from './config.ts'
import { ruleProblems } from './config-rules.ts'
import { configSchema } from './config-schema.ts'

type Parsed =
  | { readonly config: Config; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly InputProblem[] }

/** Checks a configuration as a whole: returns it, or every problem with its path. */
export function parseConfig(value: unknown): Parsed {
  const ofShape = (safeParse(configSchema, value).issues ?? []).map(({ path = [], message }) => {
    const keys = path.map(({ key }) => String(key))
    return { keys, where: keys.join('.'), message }
  })
  // Values of a wrong shape are left out, so that a mistyped key hides no problem of another kind.
  const wellShaped = ofShape.reduce<unknown>((rest, { keys }) => without(rest, keys), value)
  const ofRules = ruleProblems((wellShaped ?? {}) as Config)
    // Leaving them out must not make one: a "ready" without its wrong "http" would seem empty.
    .filter(({ where }) => !where?.endsWith('.ready') || !ofShape.some((one) => one.where.startsWith(`${where}.`)))
  const problems = [...ofShape.map(({ where, message }) => ({ where, message })), ...ofRules]
  return problems.length === 0 ? { config: value as Config, problems: [] } : { config: undefined, problems }
}

function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return { ...value, [key]: without((value as Record<string, unknown>)[key], rest) }
}
