import { formatBytes, formatCount, type TaskContext } from '@ops-cli/core'
import { allowedPath } from './allowed-path.ts'
import { planExport } from './column-plan.ts'
import type { ExportTask } from './export.ts'
import { formatOf } from './file-format.ts'
import { openStore } from './open-store.ts'
import { Pace } from './pace.ts'
import { writeFile } from './partial-file.ts'
import type { Settings } from './settings.ts'
import type { ExportRequest, Store } from './store.ts'
import { requireAllowedTable, requireOrdinaryTable } from './table.ts'

/** Exports one snapshot of a table. The file appears completely or not at all. */
export async function runExport(task: ExportTask, context: TaskContext<Settings>) {
  const { log, signal, settings, projectDirectory } = context
  const path = allowedPath(task.file, projectDirectory, settings.folders)
  const { format, compression, delimiter } = formatOf(path, task)
  requireAllowedTable(task.sourceTable, settings.tables)
  const store = await openStore(context.database)
  const table = await store.describe(task.sourceTable, 'export')
  requireOrdinaryTable(table.name, table.columns)
  const columns = planExport(task.columns, table)
  const request = { table, columns, format, delimiter, signal }
  log(`exporting ${table.name} to ${path}: ${columns.map(({ name }) => name).join(', ')}`)
  const rows = { count: 0 }
  const chunks = withProgress(store, request, rows, context)
  const fileSize = await writeFile(chunks, { path, compression, signal })
  log(`exported ${formatCount(rows.count, 'row')}, ${formatBytes(fileSize)}`)
  return { format, rowCount: rows.count, fileSize }
}

async function* withProgress(
  store: Store,
  request: ExportRequest,
  total: { count: number },
  { progress }: Pick<TaskContext, 'progress'>,
): AsyncGenerator<string | Buffer> {
  const expected = await store.countRows(request)
  const pace = new Pace()
  for await (const { text, rows } of store.rows(request)) {
    total.count = rows
    const fraction = expected === undefined ? undefined : Math.min(1, rows / Math.max(1, expected))
    progress(fraction ?? 0, pace.note(rows, fraction))
    if (text.length > 0) yield text
  }
}
