import { basename } from 'node:path'
import { expected, TaskError } from '@ops-cli/core'
import * as v from 'valibot'

export const FORMATS = ['csv', 'ndjson'] as const
export const COMPRESSIONS = ['none', 'gzip'] as const

export interface FileFormat {
  readonly format: (typeof FORMATS)[number]
  readonly compression: (typeof COMPRESSIONS)[number]
  readonly delimiter: string
}

type RequestedFormat = { readonly [K in keyof FileFormat]: FileFormat[K] | null }

/**
 * The format of a file: from the task, else from its name.
 *
 * @throws TaskError when neither says it
 */
export function formatOf(file: string, requested: RequestedFormat): FileFormat {
  const [, name, gz] = /^(.*?)(\.gz)?$/i.exec(basename(file))!
  const extension = /\.([^.]+)$/.exec(name!)?.[1]?.toLowerCase() ?? ''
  const format = requested.format ?? EXTENSIONS[extension]
  if (format === undefined)
    throw new TaskError(
      `cannot tell the format of "${basename(file)}" from its name (.csv, .tsv, .ndjson, .jsonl, also with .gz); set "format" to csv or ndjson`,
    )
  const delimiter = requested.delimiter ?? (extension === 'tsv' || extension === 'tab' ? '\t' : ',')
  if (!isDelimiter(delimiter)) throw new TaskError(`"delimiter": ${delimiterMessage({ input: delimiter })}`)
  return { format, compression: requested.compression ?? (gz ? 'gzip' : 'none'), delimiter }
}

const EXTENSIONS: Readonly<Record<string, FileFormat['format']>> = {
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
}

const delimiterMessage = expected('one character other than a quote or line break')

function isDelimiter(text: string): boolean {
  return /^[^"\r\n]$/.test(text)
}

/** The delimiter on the command line, where `\t` is a tab: most shells cannot type one. */
export const delimiterInput = v.nullish(
  v.pipe(
    v.string(),
    v.transform((typed) => (typed === '\\t' ? '\t' : typed)),
    v.check(isDelimiter, delimiterMessage),
  ),
)

export const columnsMessage = expected('{"name in the file": "column of the table"} or a list of columns')

/** A path on the command line. */
export const pathInput = v.pipe(v.string(), v.nonEmpty(expected('a path')))
