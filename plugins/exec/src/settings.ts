import { expected, isDuration, strictMessage } from '@ops-cli/core'
import * as v from 'valibot'

const text = v.pipe(v.string(expected('a string')), v.nonEmpty(expected('a string that is not empty')))

const durationMessage = expected('a duration such as "90s" or "10m"')
export const duration = v.pipe(v.string(durationMessage), v.check(isDuration, durationMessage))

const entries = {
  /** Limit for every command; a task's own `timeout` can only be shorter. No limit by default. */
  timeout: v.optional(duration),
  /** The shell that runs a command without arguments, with `-c`. */
  shell: v.optional(text, '/bin/sh'),
  /** Variables for every command. */
  env: v.optional(v.record(v.string(), v.string(expected('a string'))), {}),
  /** Names of the worker's variables that commands may see. */
  passEnv: v.optional(v.array(text, expected('a list of names')), []),
}

/** `plugins.exec` of the configuration. */
export const settings = v.optional(v.strictObject(entries, strictMessage(entries)), {})

export type Settings = v.InferOutput<typeof settings>
