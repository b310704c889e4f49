import { basename } from 'node:path'
import { TaskError } from '@ops-cli/core'

export const formats = ['csv', 'ndjson'] as const
export const compressions = ['none', 'gzip'] as const

export interface FileFormat {
  readonly format: (typeof formats)[number]
  readonly compression: (typeof compressions)[number]
  readonly delimiter: string
}

type Asked = { readonly [K in keyof FileFormat]: FileFormat[K] | null }

/**
 * What a file is: as the task says, else by its name.
 *
 * @throws TaskError when neither tells
 */
export function formatOf(file: string, asked: Asked): FileFormat {
  const [, name, gz] = /^(.*?)(\.gz)?$/i.exec(basename(file))!
  const extension = /\.([^.]+)$/.exec(name!)?.[1]?.toLowerCase() ?? ''
  const format = asked.format ?? byExtension[extension]
  if (format === undefined)
    throw new TaskError(
      `the format of "${basename(file)}" cannot be told from its name (.csv, .tsv, .ndjson, .jsonl, each with .gz too); set "format" to csv or ndjson`,
    )
  const delimiter = asked.delimiter ?? (extension === 'tsv' || extension === 'tab' ? '\t' : ',')
  if (!/^[^"\r\n]$/.test(delimiter))
    throw new TaskError(
      `"delimiter" must be one character, and neither a quote nor a line break, not ${JSON.stringify(delimiter)}`,
    )
  return { format, compression: asked.compression ?? (gz ? 'gzip' : 'none'), delimiter }
}

const byExtension: Readonly<Record<string, FileFormat['format']>> = {
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
}
