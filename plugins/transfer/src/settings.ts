import { expected, isDuration, isSize, strictMessage } from '@ops-cli/core'
import * as v from 'valibot'

const duration = expected('a duration such as "90s" or "10m"')
const size = expected('a size such as "500 MB"')
const text = expected('a name that is not empty')
const names = (what: string) => v.optional(v.array(v.pipe(v.string(text), v.nonEmpty(text)), expected(what)), [])

const entries = {
  /** Time limit of an import or export. No limit by default. */
  timeout: v.optional(v.pipe(v.string(duration), v.check(isDuration, duration))),
  /** How much an import may read, decompressed. */
  maxImport: v.optional(v.pipe(v.string(size), v.check(isSize, size)), '10 GB'),
  /** The only folders in which files may be read and written, relative to the project. */
  folders: names('a list of folders'),
  /** The only tables and views that may be imported into and exported, by the names that a task has. */
  tables: names('a list of tables'),
}

/** `plugins.transfer` of the configuration. */
export const settings = v.optional(v.strictObject(entries, strictMessage(entries)), {})

export type Settings = v.InferOutput<typeof settings>
