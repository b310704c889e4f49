import * as v from 'valibot'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))

const duration = 'must be a duration such as 90s, 30m or 2h'

/** A path that stays inside the checkout. */
const inside = v.pipe(
  text,
  v.check(
    (path) => !path.startsWith('/') && !path.split('/').includes('..'),
    'must be a path inside the checkout, such as "dist"',
  ),
)

const entries = {
  /** The build, for a shell. A task's own command wins; without either it is found by what the repository is. */
  command: v.optional(text),
  /** What is packed: a path in the checkout, or `false` for nothing. */
  artifact: v.optional(
    v.union([inside, v.literal(false)], 'must be a path inside the checkout, such as "dist", or false'),
  ),
  timeout: v.optional(v.pipe(v.string(duration), v.regex(/^\d+(\.\d+)?\s*(ms|s|sec|m|min|h|d)$/, duration)), '30m'),
  /** Whether several workers may build at once. */
  parallel: v.optional(v.boolean(), false),
  /** Variables of the build, on top of the few that it is given. */
  env: v.optional(v.record(v.string(), v.string()), {}),
  /** Names of the worker's own variables that the build may see. */
  passEnv: v.optional(v.array(text), []),
  /** Whether dependencies are installed first. By default: where the build command was found by what the repository is. */
  install: v.optional(v.boolean()),
  /** How many artifacts of a repository stay; by default all. */
  keep: v.optional(v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1'))),
}

/** The plugin's part of the configuration, `plugins.build`. */
export const settings = v.optional(
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `is not a setting of build; use ${Object.keys(entries).join(', ')}`
      : `must be an object with settings of build, not ${issue.received}`,
  ),
  {},
)

export type Settings = v.InferOutput<typeof settings>
