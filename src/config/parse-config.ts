import { safeParse } from 'valibot'
import type { Config } from './config.ts'
import { type Problem, ruleProblems } from './config-rules.ts'
import { configSchema } from './config-schema.ts'

type Parsed =
  | { readonly config: Config; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly string[] }

/** Checks a configuration whole: the configuration, or every problem that it has, each with its path. */
export function parseConfig(value: unknown): Parsed {
  const misshapen = (safeParse(configSchema, value).issues ?? []).map(({ path = [], message }) => ({
    keys: path.map(({ key }) => String(key)),
    path: path.map(({ key }) => String(key)).join('.'),
    message,
  }))
  // What has the wrong shape is left out here, so that a mistyped key hides no problem of another kind.
  const sound = misshapen.reduce<unknown>((rest, { keys }) => without(rest, keys), value)
  const broken = ruleProblems((sound ?? {}) as Config)
    // Nor does it make one: without its misshapen "http", a "ready" would seem to be empty.
    .filter(({ path: rule }) => !rule.endsWith('.ready') || !misshapen.some(({ path }) => path.startsWith(`${rule}.`)))

  const problems = [...misshapen, ...broken].map(inWords)
  return problems.length === 0 ? { config: value as Config, problems: [] } : { config: undefined, problems }
}

function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return { ...value, [key]: without((value as Record<string, unknown>)[key], rest) }
}

function inWords({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`
}
