import * as v from 'valibot'
import { durationProblem, isDuration } from './duration.ts'
import { expected, formatInput, unknownKey } from './schema-messages.ts'
import { isSize } from './size.ts'

/*
 * The shape of the configuration, key by key. Rules about several keys are in config-rules.ts. The types in config.ts are
 * written by hand, for people who read them in an editor.
 */

const text = v.pipe(v.string(expected('a string')), v.nonEmpty('expected a string, got an empty one'))
const flag = v.boolean(expected('true or false'))
const texts = v.array(text, expected('a list of strings'))
const files = v.union([text, texts], expected('a path or a list of paths'))
const textMap = map(v.string(expected('a string')), 'an object of strings')
const program = v.pipe(
  v.array(v.string(expected('a string')), expected('a list of strings')),
  v.minLength(1, 'expected a program and its arguments, got an empty list'),
  // Its arguments may be empty.
  v.check(([first]) => first !== '', 'expected a program as the first item, got an empty string'),
)
const command = v.union([text, program], expected('a shell command or a list of arguments'))
const port = wholeNumber('a port from 1 to 65535', 1, 65_535)
const instances = wholeNumber('a whole number of at least 1', 1, 1000)
const duration = v.pipe(
  v.string(expected('a duration such as "10m"')),
  v.check(isDuration, ({ input }) => durationProblem(String(input))),
)
const size = v.pipe(v.string(expected('a size such as "100 MB"')), v.check(isSize, expected('a size such as "100 MB"')))
const pattern = v.pipe(
  v.string(expected('a regular expression')),
  v.check(isPattern, expected('a valid regular expression')),
)
const databaseUrl = v.pipe(
  v.string(expected('"sqlite:<path>" or "postgres://…"')),
  v.regex(/^(sqlite:.|postgres(ql)?:\/\/.)/, withoutSecret),
)

const ready = record({
  http: v.optional(text),
  port: v.optional(v.union([port, v.literal(true)], expected('a port from 1 to 65535, or true'))),
  log: v.optional(pattern),
  command: v.optional(command),
  timeout: v.optional(duration),
})

const allow = record({
  writePaths: v.optional(texts),
  user: v.optional(user()),
  capabilities: v.optional(
    v.array(
      v.pipe(v.string(expected('a string')), v.regex(/^CAP_[A-Z_]+$/, expected('a capability such as CAP_CHOWN'))),
      expected('a list of capabilities'),
    ),
  ),
})
const credentials = v.optional(map(text, 'an object of paths by name'))
const exposure = v.optional(
  v.pipe(
    v.number(expected('a number from 0 to 10')),
    v.minValue(0, expected('a number from 0 to 10')),
    v.maxValue(10, expected('a number from 0 to 10')),
  ),
)

const service = record({
  command,
  cwd: v.optional(text),
  env: v.optional(textMap),
  envFile: v.optional(files),
  port: v.optional(port),
  dependsOn: v.optional(
    v.union(
      [texts, map(oneOf('started', 'ready', 'completed'), 'an object')],
      expected('a list of services, or an object of services with "started", "ready" or "completed"'),
    ),
  ),
  ready: v.optional(ready),
  restart: v.optional(oneOf('always', 'on-failure', 'never')),
  stopSignal: v.optional(oneOf('SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2')),
  stopTimeout: v.optional(duration),
  instances: v.optional(instances),
  watch: v.optional(texts),
  oneshot: v.optional(flag),
  only: v.optional(oneOf('development', 'server')),
  allow: v.optional(allow),
  credentials,
})

const schedule = record({
  cron: text,
  timeZone: v.optional(text),
  enqueue: text,
  with: v.optional(map(v.unknown(), 'an object of columns')),
  missed: v.optional(oneOf('run_once', 'skip')),
})

const retentionRules = {
  succeeded: v.optional(duration),
  failed: v.optional(duration),
  canceled: v.optional(duration),
  logs: v.optional(duration),
  artifacts: v.optional(duration),
}

export const configSchema = record({
  name: v.optional(
    v.pipe(
      v.string(expected('a name')),
      v.regex(/^[a-z][a-z0-9-]*$/, expected('a name of a-z, 0-9 and "-" that starts with a letter')),
    ),
  ),
  database: v.optional(databaseUrl),
  sqlite: v.optional(record({ synchronous: v.optional(oneOf('FULL', 'NORMAL')) })),
  services: v.optional(map(service, 'an object of services')),
  worker: v.optional(
    record({
      instances: v.optional(instances),
      pollInterval: v.optional(duration),
      maxLog: v.optional(size),
      gracePeriod: v.optional(duration),
      starvation: v.optional(duration),
      env: v.optional(textMap),
      envFile: v.optional(files),
      allow: v.optional(allow),
      credentials,
    }),
  ),
  systemd: v.optional(
    record({ user: v.optional(user()), maxExposure: v.optional(record({ worker: exposure, services: exposure })) }),
  ),
  schedules: v.optional(map(schedule, 'an object of schedules')),
  retention: v.optional(
    record({
      ...retentionRules,
      processors: v.optional(map(record(retentionRules), 'an object of rules by processor')),
    }),
  ),
  plugins: v.optional(map(v.unknown(), 'an object of settings by plugin')),
  pluginsAllow: v.optional(texts),
  pluginsReplace: v.optional(texts),
})

function user() {
  return v.pipe(
    v.string(expected('the name of a user')),
    v.regex(/^[a-z_][a-z0-9_-]{0,30}$/, expected('the name of a user')),
  )
}

/** An object with no other keys. valibot's own strict object stops at the first unknown key. */
function record<Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries)
  return v.pipe(
    plainObject('an object'),
    v.looseObject(entries, 'is missing'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!isPlainObject(dataset.value)) return
      const input = dataset.value
      for (const key of Object.keys(input).filter((key) => !known.includes(key))) {
        addIssue({
          message: unknownKey(key, known),
          path: [{ type: 'object', origin: 'key', input, key, value: input[key] }],
        })
      }
    }),
  )
}

/** An object with any keys. */
function map<Value extends v.GenericSchema>(value: Value, what: string) {
  return v.pipe(plainObject(what), v.record(v.string(), value))
}

/** To valibot a list is an object too. */
function plainObject(what: string) {
  return v.custom<Record<string, unknown>>(isPlainObject, expected(what))
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function oneOf<const Values extends readonly string[]>(...values: Values) {
  return v.picklist(values, expected(`one of ${values.map((value) => `"${value}"`).join(', ')}`))
}

function wholeNumber(what: string, least: number, most: number) {
  return v.pipe(
    v.number(expected(what)),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, expected(what)),
  )
}

function isPattern(value: string): boolean {
  try {
    return new RegExp(value) instanceof RegExp
  } catch {
    return false
  }
}

/** A mistyped URL can still contain a password, so only its scheme is shown. */
function withoutSecret({ input }: { readonly input: unknown }): string {
  return `expected "sqlite:<path>" or "postgres://…", got ${formatInput(String(input).replace(/^([^:]*:).*$/, '$1…'))}`
}
