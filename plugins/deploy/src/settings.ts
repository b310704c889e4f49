import * as v from 'valibot'
import { duration, durationText } from './duration.ts'

const text = (example: string) =>
  v.pipe(v.string(`must be a text such as "${example}"`), v.nonEmpty('must not be empty'))

/** A path inside a release; with a slash at its end a folder, which is made where it is missing. */
const sharedPath = v.pipe(
  text('uploads/'),
  v.check(
    (path) =>
      path.split('/').every((part, at, all) => part !== '..' && part !== '.' && (part !== '' || at === all.length - 1)),
    'must be a path inside the release, such as "uploads/" or ".env"',
  ),
)

/** One command, or several. */
const commands = v.optional(
  v.pipe(
    v.union([text('npm ci'), v.array(text('npm ci'))], 'must be a command such as "npm ci", or a list of commands'),
    v.transform((given) => (typeof given === 'string' ? [given] : given)),
  ),
  [],
)

/** What to say of a key that is not known, and of a value that is no object. */
const strict =
  (what: string, entries: object) =>
  (issue: { readonly expected: string | null; readonly received: string }): string =>
    issue.expected === 'never'
      ? `is not a setting of ${what}; use ${Object.keys(entries).join(', ')}`
      : issue.expected?.startsWith('"')
        ? `is missing from ${what}`
        : `must be an object with settings of ${what}, not ${issue.received}`

const healthEntries = {
  /** Asked by GET from the worker's machine. */
  url: v.optional(
    v.pipe(
      text('https://example.com/health'),
      v.check(
        (url) => /^https?:\/\//.test(url) && URL.canParse(url),
        'must be a URL such as "https://example.com/health"',
      ),
    ),
  ),
  /** Run where the environment is; healthy when it exits with 0. */
  command: v.optional(text('curl --fail --silent localhost:3000/health')),
  /** The status that is expected; any below 400 by default. */
  status: v.optional(
    v.pipe(
      v.number('must be a status such as 200'),
      v.integer('must be a status such as 200'),
      v.minValue(100, 'must be a status such as 200'),
      v.maxValue(599, 'must be a status such as 200'),
    ),
  ),
  timeout: v.optional(duration, '30s'),
  interval: v.optional(duration, '1s'),
}

const health = v.pipe(
  v.strictObject(healthEntries, strict('a health check', healthEntries)),
  v.check(({ url, command }) => (url === undefined) !== (command === undefined), 'must have either "url" or "command"'),
)

const environmentEntries = {
  /** The root: `releases`, `shared` and `current` are in it. Relative to the project, where it is on this machine. */
  path: text('/srv/shop'),
  /** Where it is on another machine. */
  host: v.optional(
    v.pipe(text('deploy@example.com'), v.regex(/^[^-\s]\S*$/, 'must be a host such as "deploy@example.com"')),
  ),
  /** Options for ssh, in front of the host. */
  ssh: v.optional(v.array(text('-p'), 'must be a list such as ["-p", "2222"]'), []),
  /** The file with the host's key; that of the worker's user by default. */
  knownHosts: v.optional(text('deploy/known_hosts')),
  shared: v.optional(v.array(sharedPath, 'must be a list of paths such as ["uploads/"]'), []),
  before: commands,
  after: commands,
  health: v.optional(health),
  /** How many releases stay. */
  keep: v.optional(
    v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
    5,
  ),
  /** Variables of the commands. */
  env: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable')),
      v.string('must be a text'),
      'must be an object with variables',
    ),
    {},
  ),
}

const environment = v.pipe(
  v.strictObject(environmentEntries, strict('an environment', environmentEntries)),
  v.forward(
    v.partialCheck(
      [['path'], ['host']],
      ({ path, host }) => host === undefined || path.startsWith('/'),
      'must be absolute, since it is on another machine',
    ),
    ['path'],
  ),
)

const entries = {
  environments: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a name of letters, digits, dots, dashes and underscores'),
      ),
      environment,
      'must be an object with environments by their names',
    ),
    {},
  ),
  /** The longest that a deployment or rollback may take. */
  timeout: v.optional(durationText, '30m'),
}

/** The plugin's part of the configuration, `plugins.deploy`. */
export const settings = v.optional(v.strictObject(entries, strict('deploy', entries)), {})

export type Settings = v.InferOutput<typeof settings>
export type Environment = v.InferOutput<typeof environment>
export type HealthCheck = v.InferOutput<typeof health>
