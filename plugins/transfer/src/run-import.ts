import { basename, join } from 'node:path'
import { formatCount, formatDuration, type TaskContext, TaskError } from '@ops-cli/core'
import { allowedPath } from './allowed-path.ts'
import { type PlannedColumn, planConflict, planImport } from './column-plan.ts'
import { type FileFormat, formatOf } from './file-format.ts'
import type { ImportTask } from './import.ts'
import { openStore } from './open-store.ts'
import { Pace } from './pace.ts'
import { InvalidValue, valueParser } from './parse-value.ts'
import { type OpenFile, openFile } from './read-file.ts'
import type { FileRecord, Records } from './records.ts'
import { RejectFile } from './reject-file.ts'
import type { Settings } from './settings.ts'
import type { ImportSession, Row, Value } from './store.ts'
import { requireAllowedTable, requireOrdinaryTable, type Table } from './table.ts'
import { writeRows } from './write-rows.ts'

type Context = TaskContext<Settings>

/** Most of the measurable work is reading and staging; the rest is the one transaction. */
const STAGING_SHARE = 0.9

/**
 * Imports a file: parses all of it first and stages its rows, then writes them in one transaction together with
 * `imported_at`. So either all are imported or none, and the task says which.
 */
export async function runImport(task: ImportTask, context: Context) {
  const { log, stateDirectory, settings, env, signal, projectDirectory } = context
  if (task.importedAt) {
    log(`the rows were imported at ${task.importedAt.toISOString()} by an earlier attempt, which died right after that`)
    return {}
  }
  if (!(task.maxRejected >= 0)) throw new TaskError(`"max_rejected": expected 0 or more, got ${task.maxRejected}`)
  const path = allowedPath(task.file, projectDirectory, settings.folders)
  const format = formatOf(path, task)
  requireAllowedTable(task.targetTable, settings.tables)
  const store = await openStore(context.database)
  const table = await store.describe(task.targetTable, 'import')
  requireOrdinaryTable(table.name, table.columns)
  const file = openFile(path, format, context)
  const records = await readRecords(file, format, task)
  const { columns, ignored } = planImport(records.names, task.columns, table, basename(path))
  const given = columns.map(({ column }) => column)
  const conflict = planConflict(
    task,
    table,
    given.map(({ name }) => name),
  )
  if (ignored.length > 0) log(`left out, because the database computes them: ${ignored.join(', ')}`)
  log(`importing ${path} into ${table.name}: ${given.map(({ name }) => name).join(', ')}`)

  const rejectedFile = join(stateDirectory, 'rejected', String(task.id), `${basename(path)}.rejected.ndjson`)
  const rejects = new RejectFile(rejectedFile, task.maxRejected)
  const { workDirectory } = context
  const session = await store.beginImport({ table, columns: given, conflict, workDirectory, signal })
  try {
    const total = await stage(records, { columns, table, file, session, rejects, context })
    rejects.check()
    signal.throwIfAborted()
    context.progress(STAGING_SHARE, `writing ${formatCount(total, 'row')} into ${table.name}`)
    const startedAt = performance.now()
    await session.begin()
    const written = await writeRows(total, {
      session,
      rejects,
      signal,
      nameValues: (values) => Object.fromEntries(given.map(({ name }, index) => [name, values[index]])),
    })
    const result = { format: format.format, ...written, ...rejects.columns }
    await session.commit({ runId: env.OPS_RUN_ID!, taskId: task.id, columns: databaseColumns(result) })
    log(formatResult(result, task.targetTable, performance.now() - startedAt))
    return result
  } finally {
    rejects.close()
    await session.close()
  }
}

async function readRecords(
  file: OpenFile,
  { format, delimiter }: FileFormat,
  { columns }: ImportTask,
): Promise<Records> {
  const list = Array.isArray(columns) ? columns.map((name, index) => name ?? `field ${index + 1}`) : undefined
  if (format === 'csv') {
    const { csvRecords } = await import('./csv-records.ts')
    return csvRecords(file.chunks, { delimiter, names: list })
  }
  const { ndjsonRecords } = await import('./ndjson-records.ts')
  return ndjsonRecords(file.chunks, { names: list ?? (columns ? Object.keys(columns) : undefined) })
}

interface StageOptions {
  readonly columns: readonly PlannedColumn[]
  readonly table: Table
  readonly file: OpenFile
  readonly session: ImportSession
  readonly rejects: RejectFile
  readonly context: Context
}

/** Reads the whole file even if a row is invalid, to report all problems. */
async function stage(
  records: Records,
  { columns, table, file, session, rejects, context }: StageOptions,
): Promise<number> {
  const parsers = columns.map(({ index, column }) => ({ index, parse: valueParser(column, table) }))
  const pace = new Pace()
  let total = 0

  function toRow({ line, fields, problem }: FileRecord): Row | undefined {
    const reasons = problem === undefined ? [] : [problem]
    const values: Value[] = []
    if (problem === undefined)
      for (const { index, parse } of parsers) {
        const value = parse(fields[index])
        if (value instanceof InvalidValue) reasons.push(value.reason)
        else values.push(value)
      }
    if (reasons.length === 0) return { line, values }
    rejects.add(
      line,
      reasons.join(', '),
      fields.length === records.names.length ? named(records.names, fields) : fields,
    )
    return undefined
  }

  for await (const batch of records.batches) {
    context.signal.throwIfAborted()
    const rows = batch.map(toRow).filter((row) => row !== undefined)
    if (rejects.isFull) break
    // Beyond the limit nothing will be imported, and the file is only read to report what else is invalid.
    if (!rejects.isOverLimit) await session.stage(rows)
    total += rows.length
    const fraction = file.size === 0 ? 1 : file.bytesRead() / file.size
    context.progress(fraction * STAGING_SHARE, pace.note(total, fraction))
  }
  return total
}

function named(names: readonly string[], fields: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name, index) => [name, fields[index]]))
}

interface Imported {
  readonly format: FileFormat['format']
  readonly rowCount: number
  readonly skippedCount: number
  readonly rejectedCount: number
  readonly rejectedFile: string | null
}

function databaseColumns({ format, rowCount, skippedCount, rejectedCount, rejectedFile }: Imported) {
  return {
    format,
    row_count: rowCount,
    skipped_count: skippedCount,
    rejected_count: rejectedCount,
    rejected_file: rejectedFile,
    imported_at: new Date(),
  }
}

function formatResult(
  { rowCount, skippedCount, rejectedCount, rejectedFile }: Imported,
  table: string,
  ms: number,
): string {
  const skipped = skippedCount > 0 ? `, skipped ${formatCount(skippedCount, 'existing row')}` : ''
  const rejected =
    rejectedFile === null ? '' : `, rejected ${formatCount(rejectedCount, 'invalid row')} (${rejectedFile})`
  const rows = formatCount(rowCount, 'row')
  return `imported ${rows} into ${table}${skipped}${rejected}; the transaction took ${formatDuration(ms)}`
}
