import * as v from 'valibot'
import { DURATION } from './duration.ts'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))

const duration = 'must be a duration such as 90s, 30m or 2h'

const entries = {
  /** The longest that any command may take; a task's own `timeout` can only be shorter. Without it there is no limit. */
  timeout: v.optional(v.pipe(v.string(duration), v.regex(DURATION, duration))),
  /** What a command without arguments is given to, behind `-c`. */
  shell: v.optional(text, '/bin/sh'),
  /** Variables of every command, on top of the few that it is given. */
  env: v.optional(v.record(v.string(), v.string()), {}),
  /** Names of the worker's own variables that commands may see. */
  passEnv: v.optional(v.array(text), []),
}

/** The plugin's part of the configuration, `plugins.exec`. */
export const settings = v.optional(
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `is not a setting of exec; use ${Object.keys(entries).join(', ')}`
      : `must be an object with settings of exec, not ${issue.received}`,
  ),
  {},
)

export type Settings = v.InferOutput<typeof settings>
