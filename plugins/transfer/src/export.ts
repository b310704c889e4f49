import { defineProcessor, taskTable } from '@ops-cli/core'
import { compressions, formats } from './file-format.ts'
import { settings } from './settings.ts'
import { exportInput } from './typed.ts'

/** Names of the file to columns of the table; as a list where their order matters, which JSON in PostgreSQL forgets. */
export type ExportColumns = Readonly<Record<string, string>> | readonly (string | Readonly<Record<string, string>>)[]

export const exports = taskTable('exports', (column) => ({
  sourceTable: column.text().notNull().describe('the table or view whose rows are wanted'),
  file: column.text().notNull().describe('the file to write, relative to the project; one that is there is replaced'),
  format: column.enumeration(formats).describe("else by the file's name"),
  compression: column.enumeration(compressions).describe("else by the file's name"),
  delimiter: column.text().describe('between the fields of CSV; else a comma, or a tab in .tsv'),
  columns: column
    .json<ExportColumns>()
    .describe('a list of columns, each a name or {"name in the file": "column of the table"}'),
  where: column.text().describe('which rows, in SQL'),
  rowCount: column.integer().result().describe('rows in the file'),
  fileSize: column.integer().result().describe('its size in bytes'),
}))

export type ExportTask = (typeof exports)['$inferSelect']

export default defineProcessor({
  name: 'export',
  summary: 'Export the rows of a table to a CSV or NDJSON file',
  table: exports,
  priority: 100,
  settings,
  input: exportInput,
  timeout: ({ timeout }) => timeout,
  // The file appears whole or not at all, so it may be written again.
  onCrash: 'retry',
  onInterrupt: 'retry',

  async perform(task, context) {
    const { runExport } = await import('./run-export.ts')
    return runExport(task, context)
  },
})
