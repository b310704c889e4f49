import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { defineProcessor, taskTable } from '@ops-cli/core'
import * as v from 'valibot'
import { COMPRESSIONS, columnsMessage, delimiterInput, FORMATS, pathInput } from './file-format.ts'
import { settings } from './settings.ts'

/** Names in the file to columns of the table; a list keeps their order, which JSON in PostgreSQL does not. */
export type ExportColumns = Readonly<Record<string, string>> | readonly (string | Readonly<Record<string, string>>)[]

export const exports = taskTable('exports', (column) => ({
  sourceTable: column.text().notNull().describe('table or view to export'),
  file: column.text().notNull().describe('file to write, relative to the project; an existing one is replaced'),
  format: column.enumeration(FORMATS).describe("[default: from the file's name]"),
  compression: column.enumeration(COMPRESSIONS).describe("[default: from the file's name]"),
  delimiter: column.text().describe('delimiter of CSV [default: comma, tab for .tsv]'),
  columns: column
    .json<ExportColumns>()
    .describe('list of columns, each a name or {"name in the file": "column of the table"}'),
  rowCount: column.integer().result().describe('rows written'),
  fileSize: column.integer().result().describe('its size in bytes'),
}))

export type ExportTask = (typeof exports)['$inferSelect']

const renamed = v.record(v.string(), v.string())

export default defineProcessor({
  name: 'export',
  summary: 'Export the rows of a table to a CSV or NDJSON file',
  table: exports,
  priority: 100,
  settings,
  input: v.looseObject({
    // On the command line, a file in an existing folder is relative to the current folder.
    file: v.pipe(
      pathInput,
      v.transform((typed) => (existsSync(dirname(typed)) ? resolve(typed) : typed)),
    ),
    delimiter: delimiterInput,
    columns: v.nullish(v.union([v.array(v.union([v.string(), renamed])), renamed], columnsMessage)),
  }),
  timeout: ({ timeout }) => timeout,
  // The file appears completely or not at all, so it can be written again.
  onCrash: 'retry',
  onInterrupt: 'retry',

  async perform(task, context) {
    const { runExport } = await import('./run-export.ts')
    return runExport(task, context)
  },
})
