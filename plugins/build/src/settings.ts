import { expected, isDuration, isSize, strictMessage } from '@ops-cli/core'
import * as v from 'valibot'

const text = v.pipe(v.string(expected('a string')), v.nonEmpty(expected('a string that is not empty')))
const flag = v.boolean(expected('true or false'))
const duration = expected('a duration such as "90s" or "10m"')
const path = expected('a path inside the checkout such as "dist", or false')
const size = expected('a size such as "500 MB"')
const count = expected('a whole number of 1 or more')

const entries = {
  /** The build command, run by a shell. A task's own command wins; without either it is detected. */
  command: v.optional(text),
  /** What to pack: a path inside the checkout, or `false` for nothing. */
  artifact: v.optional(
    v.union(
      [
        v.pipe(
          v.string(),
          v.nonEmpty(),
          v.check((given) => !given.startsWith('/') && !given.split('/').includes('..'), path),
        ),
        v.literal(false),
      ],
      path,
    ),
  ),
  /** Time limit of a whole build. */
  timeout: v.optional(v.pipe(v.string(duration), v.check(isDuration, duration)), '30m'),
  /** Whether several workers may build at the same time. */
  parallel: v.optional(flag, false),
  /** Variables for the build. */
  env: v.optional(v.record(v.string(), v.string(expected('a string'))), {}),
  /** Names of the worker's variables that the build may see. */
  passEnv: v.optional(v.array(text, expected('a list of names')), []),
  /** Whether to install dependencies first. By default only for a detected build command. */
  install: v.optional(flag),
  /** How large an artifact may be. */
  maxArtifact: v.optional(v.pipe(v.string(size), v.check(isSize, size)), '5 GB'),
  /** How many artifacts of a repository to keep; all by default. */
  keep: v.optional(v.pipe(v.number(count), v.integer(count), v.minValue(1, count))),
}

/** `plugins.build` of the configuration. */
export const settings = v.optional(v.strictObject(entries, strictMessage(entries)), {})

export type Settings = v.InferOutput<typeof settings>
