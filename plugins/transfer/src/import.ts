import { defineProcessor, taskTable } from '@ops-cli/core'
import { compressions, formats } from './file-format.ts'
import { settings } from './settings.ts'
import { importInput } from './typed.ts'

/** A name of the file to a column of the table, or to null for a column that is left out; or the columns in order. */
export type ImportColumns = Readonly<Record<string, string | null>> | readonly (string | null)[]

export const imports = taskTable('imports', (column) => ({
  file: column.text().notNull().describe('a file of rows, relative to the project'),
  targetTable: column.text().notNull().describe('the table that the rows go into'),
  format: column.enumeration(formats).describe("else by the file's name"),
  compression: column.enumeration(compressions).describe("else by the file's name"),
  delimiter: column.text().describe('between the fields of CSV; else a comma, or a tab in .tsv'),
  columns: column
    .json<ImportColumns>()
    .describe('{"name in the file": "column of the table" or null to leave it out}; a list for a file without names'),
  onConflict: column
    .enumeration(['fail', 'skip', 'update'])
    .notNull()
    .default('fail')
    .describe('what becomes of a row that is there already'),
  conflictKey: column
    .text()
    .describe('the columns by which "update" knows a row, as in "shop,number"; else the primary key'),
  maxRejected: column
    .integer()
    .notNull()
    .default(0)
    .describe('so many bad rows are left out; with more nothing is imported'),
  rowCount: column.integer().result().describe('rows that were written'),
  skippedCount: column.integer().result().describe('rows that were there already'),
  rejectedCount: column.integer().result().describe('bad rows'),
  rejectedFile: column.text().result().describe('the bad rows with their lines and reasons'),
  importedAt: column.timestamp().result().describe('when the rows were committed'),
}))

export type ImportTask = (typeof imports)['$inferSelect']

export default defineProcessor({
  name: 'import',
  summary: 'Import the rows of a CSV or NDJSON file into a table',
  table: imports,
  priority: 100,
  settings,
  input: importInput,
  timeout: ({ timeout }) => timeout,
  // The rows and `imported_at` are one transaction: a further attempt sees whether they are in.
  onCrash: 'retry',
  onInterrupt: 'retry',

  async perform(task, context) {
    // Not before there is something to import: a worker that waits has no use for a parser.
    const { runImport } = await import('./run-import.ts')
    return runImport(task, context)
  },
})
