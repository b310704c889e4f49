import * as v from 'valibot'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))

const duration = 'must be a duration such as 90s, 30m or 2h'

const entries = {
  /** The longest that an import or an export may take. Without it there is no limit. */
  timeout: v.optional(v.pipe(v.string(duration), v.regex(/^\d+(\.\d+)?\s*(ms|s|sec|m|min|h|d)$/, duration))),
  /** The only folders in which files may be read and written, relative to the project. By default: everywhere. */
  folders: v.optional(v.array(text)),
}

/** The plugin's part of the configuration, `plugins.transfer`. */
export const settings = v.optional(
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `is not a setting of transfer; use ${Object.keys(entries).join(', ')}`
      : `must be an object with settings of transfer, not ${issue.received}`,
  ),
  {},
)

export type Settings = v.InferOutput<typeof settings>
