import { expected, isDuration, strictMessage } from '@ops-cli/core'
import * as v from 'valibot'

const duration = expected('a duration such as "90s" or "10m"')
const folder = expected('a path that is not empty')

const entries = {
  /** Time limit of an import or export. No limit by default. */
  timeout: v.optional(v.pipe(v.string(duration), v.check(isDuration, duration))),
  /** The only folders in which files may be read and written, relative to the project. By default all. */
  folders: v.optional(v.array(v.pipe(v.string(folder), v.nonEmpty(folder)), expected('a list of folders'))),
}

/** `plugins.transfer` of the configuration. */
export const settings = v.optional(v.strictObject(entries, strictMessage(entries)), {})

export type Settings = v.InferOutput<typeof settings>
