import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineProcessor, expected, taskTable } from '@ops-cli/core'
import * as v from 'valibot'
import { COMPRESSIONS, columnsMessage, delimiterInput, FORMATS, pathInput } from './file-format.ts'
import { settings } from './settings.ts'

/** Names in the file to columns of the table, or to null for those to leave out; or the columns in order. */
export type ImportColumns = Readonly<Record<string, string | null>> | readonly (string | null)[]

export const imports = taskTable('imports', (column) => ({
  file: column.text().notNull().describe('file of rows, relative to the project'),
  targetTable: column.text().notNull().describe('table that the rows go into'),
  format: column.enumeration(FORMATS).describe("[default: from the file's name]"),
  compression: column.enumeration(COMPRESSIONS).describe("[default: from the file's name]"),
  delimiter: column.text().describe('delimiter of CSV [default: comma, tab for .tsv]'),
  columns: column
    .json<ImportColumns>()
    .describe(
      '{"name in the file": "column of the table"}, or null to leave it out; a list for a file without a header',
    ),
  onConflict: column
    .enumeration(['fail', 'skip', 'update'])
    .notNull()
    .default('fail')
    .describe('what to do with a row that already exists'),
  conflictKey: column
    .text()
    .describe('columns that identify a row to update, such as "shop,number" [default: the primary key]'),
  maxRejected: column
    .integer()
    .notNull()
    .default(0)
    .describe('number of invalid rows to leave out; with more, nothing is imported'),
  rowCount: column.integer().result().describe('rows written'),
  skippedCount: column.integer().result().describe('rows that already existed'),
  rejectedCount: column.integer().result().describe('invalid rows'),
  rejectedFile: column.text().result().describe('file with the invalid rows, their lines and reasons'),
  importedAt: column.timestamp().result().describe('when the rows were committed'),
}))

export type ImportTask = (typeof imports)['$inferSelect']

export default defineProcessor({
  name: 'import',
  summary: 'Import the rows of a CSV or NDJSON file into a table',
  table: imports,
  priority: 100,
  settings,
  input: v.looseObject({
    // On the command line, an existing file is relative to the current folder.
    file: v.pipe(
      pathInput,
      v.transform((typed) => (existsSync(typed) ? resolve(typed) : typed)),
    ),
    delimiter: delimiterInput,
    columns: v.nullish(
      v.union([v.array(v.nullable(v.string())), v.record(v.string(), v.nullable(v.string()))], columnsMessage),
    ),
    maxRejected: v.optional(v.pipe(v.number(), v.minValue(0, expected('0 or more')))),
  }),
  timeout: ({ timeout }) => timeout,
  // The rows and `imported_at` are one transaction, so another attempt sees whether they are in.
  onCrash: 'retry',
  onInterrupt: 'retry',

  async perform(task, context) {
    // Imported with the first task: an idle worker needs no parser.
    const { runImport } = await import('./run-import.ts')
    return runImport(task, context)
  },
})
