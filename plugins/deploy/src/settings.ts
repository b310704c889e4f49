import { expected, isDuration, parseDuration, strictMessage } from '@ops-cli/core'
import * as v from 'valibot'

const text = (example: string) => {
  const message = expected(`a string such as "${example}"`)
  return v.pipe(v.string(message), v.nonEmpty(message))
}

const durationMessage = expected('a duration such as "500ms", "30s" or "10m"')
const durationText = v.pipe(v.string(durationMessage), v.check(isDuration, durationMessage))
const duration = v.pipe(
  durationText,
  v.transform((given) => parseDuration(given, 'duration')),
)

/** A path inside a release. With a slash at its end it is a folder, which is created if missing. */
const sharedPath = v.pipe(
  text('uploads/'),
  v.check(
    (path) =>
      path.split('/').every((part, at, all) => part !== '..' && part !== '.' && (part !== '' || at === all.length - 1)),
    expected('a path inside the release such as "uploads/" or ".env"'),
  ),
)

/** One command, or several. */
const commands = v.optional(
  v.pipe(
    v.union([text('npm ci'), v.array(text('npm ci'))], expected('a command such as "npm ci", or a list of commands')),
    v.transform((given) => (typeof given === 'string' ? [given] : given)),
  ),
  [],
)

const status = expected('a status such as 200')

const healthEntries = {
  /** Requested with GET from the worker's machine. */
  url: v.optional(
    v.pipe(
      text('https://example.com/health'),
      v.check(
        (url) => /^https?:\/\//.test(url) && URL.canParse(url),
        expected('a URL such as "https://example.com/health"'),
      ),
    ),
  ),
  /** Run on the machine of the environment; exit status 0 is healthy. */
  command: v.optional(text('curl --fail --silent localhost:3000/health')),
  /** The expected status; by default any below 400. */
  status: v.optional(v.pipe(v.number(status), v.integer(status), v.minValue(100, status), v.maxValue(599, status))),
  timeout: v.optional(duration, '30s'),
  interval: v.optional(duration, '1s'),
}

const health = v.pipe(
  v.strictObject(healthEntries, strictMessage(healthEntries)),
  v.check(({ url, command }) => (url === undefined) !== (command === undefined), 'expected either "url" or "command"'),
)

const count = expected('a whole number of 1 or more')

const environmentEntries = {
  /** The root of `releases`, `shared` and `current`; on this machine relative to the project. */
  path: text('/srv/shop'),
  /** The machine, if it is another one. */
  host: v.optional(
    v.pipe(text('deploy@example.com'), v.regex(/^[^-\s]\S*$/, expected('a host such as "deploy@example.com"'))),
  ),
  /** Options for ssh, before the host. */
  ssh: v.optional(v.array(text('-p'), expected('a list such as ["-p", "2222"]')), []),
  /** The file with the host's key; by default that of the worker's user. */
  knownHosts: v.optional(text('deploy/known_hosts')),
  shared: v.optional(v.array(sharedPath, expected('a list of paths such as ["uploads/"]')), []),
  before: commands,
  after: commands,
  health: v.optional(health),
  /** How many releases to keep. */
  keep: v.optional(v.pipe(v.number(count), v.integer(count), v.minValue(1, count)), 5),
  /** Variables for the commands. */
  env: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, expected('the name of a variable'))),
      v.string(expected('a string')),
      expected('an object of variables'),
    ),
    {},
  ),
}

const environment = v.pipe(
  v.strictObject(environmentEntries, strictMessage(environmentEntries)),
  v.forward(
    v.partialCheck(
      [['path'], ['host']],
      ({ path, host }) => host === undefined || path.startsWith('/'),
      'expected an absolute path, because it is on another machine',
    ),
    ['path'],
  ),
)

const entries = {
  environments: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, expected('a name of letters, digits, dots, dashes and underscores')),
      ),
      environment,
      expected('an object of environments by name'),
    ),
    {},
  ),
  /** Time limit of a deployment or rollback. */
  timeout: v.optional(durationText, '30m'),
}

/** `plugins.deploy` of the configuration. */
export const settings = v.optional(v.strictObject(entries, strictMessage(entries)), {})

export type Settings = v.InferOutput<typeof settings>
export type EnvironmentSettings = v.InferOutput<typeof environment>
export type HealthCheck = v.InferOutput<typeof health>
