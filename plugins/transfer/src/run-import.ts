import { basename, join } from 'node:path'
import { type TaskContext, TaskError } from '@ops-cli/core'
import { allowedPath } from './allowed-path.ts'
import { type PlannedColumn, planImport } from './column-plan.ts'
import { planConflict } from './conflict-plan.ts'
import { type FileFormat, formatOf } from './file-format.ts'
import type { ImportTask } from './import.ts'
import { openStore } from './open-store.ts'
import { Pace } from './pace.ts'
import { Refusal, valueParser } from './parse-value.ts'
import { type OpenFile, openFile } from './read-file.ts'
import type { FileRecord, Records } from './records.ts'
import { RejectFile } from './reject-file.ts'
import type { Settings } from './settings.ts'
import type { ImportSession, Row, Value } from './store.ts'
import type { Table } from './table.ts'
import { writeRows } from './write-rows.ts'

type Context = TaskContext<Settings>

/** Collecting is most of the work that can be measured; what is left is the one transaction. */
const SHARE_OF_COLLECTING = 0.9

/**
 * Imports a file: understands all of it first, collects its rows apart, then writes them in one transaction together
 * with `imported_at`. So they are in, or they are not, and the task knows.
 */
export async function runImport(task: ImportTask, context: Context) {
  const { log, stateDirectory, settings, env, signal } = context
  if (task.importedAt) {
    log(
      `an earlier attempt has imported the rows, at ${task.importedAt.toISOString()}, and died before it could say so`,
    )
    return {}
  }
  if (!(task.maxRejected >= 0)) throw new TaskError(`"max_rejected" must not be below 0, and is ${task.maxRejected}`)
  const path = allowedPath(task.file, env.OPS_PROJECT ?? process.cwd(), settings.folders)
  const format = formatOf(path, task)
  const store = await openStore(context.database)
  const table = await store.describe(task.targetTable, 'import')
  const file = openFile(path, format, signal)
  const records = await readRecords(file, format, task)
  const { columns, ignored } = planImport(records.names, task.columns, table, basename(path))
  const given = columns.map(({ column }) => column)
  const conflict = planConflict(
    task,
    table,
    given.map(({ name }) => name),
  )
  if (ignored.length > 0) log(`left out, since the database computes them: ${ignored.join(', ')}`)
  log(`importing ${path} into ${table.name}: ${given.map(({ name }) => name).join(', ')}`)

  const rejectedFile = join(stateDirectory, 'rejected', String(task.id), `${basename(path)}.rejected.ndjson`)
  const rejects = new RejectFile(rejectedFile, task.maxRejected)
  const { workDirectory } = context
  const session = await store.beginImport({ table, columns: given, conflict, workDirectory, signal })
  try {
    const total = await collect(records, { columns, table, file, session, rejects, context })
    rejects.check()
    signal.throwIfAborted()
    context.progress(SHARE_OF_COLLECTING, `writing ${total.toLocaleString('en')} rows into ${table.name}`)
    const began = performance.now()
    await session.begin()
    const written = await writeRows(total, {
      session,
      rejects,
      signal,
      nameValues: (values) => Object.fromEntries(given.map(({ name }, index) => [name, values[index]])),
      onProgress: () => {},
    })
    const result = { format: format.format, ...written, ...rejects.columns }
    await session.commit({ runId: env.OPS_RUN_ID!, taskId: task.id, columns: inDatabase(result) })
    log(summary(result, task.targetTable, performance.now() - began))
    return result
  } finally {
    rejects.close()
    await session.close()
  }
}

function readRecords(file: OpenFile, { format, delimiter }: FileFormat, { columns }: ImportTask): Promise<Records> {
  const list = Array.isArray(columns) ? columns.map((name, index) => name ?? `field ${index + 1}`) : undefined
  return import(`./${format}-records.ts`).then((module) =>
    format === 'csv'
      ? module.csvRecords(file.chunks, { delimiter, names: list })
      : module.ndjsonRecords(file.chunks, { names: list ?? (columns ? Object.keys(columns) : undefined) }),
  )
}

interface Collecting {
  readonly columns: readonly PlannedColumn[]
  readonly table: Table
  readonly file: OpenFile
  readonly session: ImportSession
  readonly rejects: RejectFile
  readonly context: Context
}

/** Reads the whole file, also when a row was bad: whoever mends it wants to know of all. */
async function collect(
  records: Records,
  { columns, table, file, session, rejects, context }: Collecting,
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
        if (value instanceof Refusal) reasons.push(value.reason)
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
    // Nothing will be imported: it is read to the end only to tell what else is wrong.
    if (!rejects.isOverLimit) await session.collect(rows)
    total += rows.length
    const fraction = file.size === 0 ? 1 : file.bytesRead() / file.size
    context.progress(fraction * SHARE_OF_COLLECTING, pace.note(total, fraction))
  }
  return total
}

function named(names: readonly string[], fields: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name, index) => [name, fields[index]]))
}

interface Result {
  readonly format: FileFormat['format']
  readonly rowCount: number
  readonly skippedCount: number
  readonly rejectedCount: number
  readonly rejectedFile: string | null
}

function inDatabase({ format, rowCount, skippedCount, rejectedCount, rejectedFile }: Result) {
  return {
    format,
    row_count: rowCount,
    skipped_count: skippedCount,
    rejected_count: rejectedCount,
    rejected_file: rejectedFile,
    imported_at: new Date(),
  }
}

function summary({ rowCount, skippedCount, rejectedCount, rejectedFile }: Result, table: string, ms: number): string {
  const skipped = skippedCount > 0 ? `, ${skippedCount} were there already` : ''
  const rejected = rejectedFile === null ? '' : `, ${rejectedCount} were bad (${rejectedFile})`
  return `imported ${rowCount} rows into ${table}${skipped}${rejected}; the transaction took ${Math.round(ms)} ms`
}
