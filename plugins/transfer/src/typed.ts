import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as v from 'valibot'

/** What is typed at `ops enqueue` and not told by the columns: paths are meant from where they are typed. */

const delimiter = v.nullish(
  v.pipe(
    v.string(),
    // A tab cannot be typed in most shells.
    v.transform((typed) => (typed === '\\t' ? '\t' : typed)),
    v.check((text) => /^[^"\r\n]$/.test(text), 'must be one character, and neither a quote nor a line break'),
  ),
)

const names = 'must be {"name in the file": "column of the table"}, or a list of columns'
const none = 'must not be empty'

export const importInput = v.looseObject({
  file: v.pipe(
    v.string(),
    v.nonEmpty(none),
    v.transform((typed) => (existsSync(typed) ? resolve(typed) : typed)),
  ),
  delimiter,
  columns: v.nullish(v.union([v.array(v.nullable(v.string())), v.record(v.string(), v.nullable(v.string()))], names)),
  maxRejected: v.optional(v.pipe(v.number(), v.minValue(0, 'must not be below 0'))),
})

const renamed = v.record(v.string(), v.string())

export const exportInput = v.looseObject({
  file: v.pipe(
    v.string(),
    v.nonEmpty(none),
    v.transform((typed) => (existsSync(dirname(typed)) ? resolve(typed) : typed)),
  ),
  delimiter,
  columns: v.nullish(v.union([v.array(v.union([v.string(), renamed])), renamed], names)),
})
