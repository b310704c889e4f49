import type { FileFormat } from './file-format.ts'
import type { Conflict, Table, TableColumn } from './table.ts'

/** A value for a column. Each database encodes booleans and binaries itself. */
export type Value = string | number | bigint | boolean | Buffer | null

export interface Row {
  /** Its first line in the file. */
  readonly line: number
  /** In the order of the import's columns. */
  readonly values: readonly Value[]
}

export interface ImportRequest {
  readonly table: Table
  readonly columns: readonly TableColumn[]
  readonly conflict: Conflict
  /** A folder for rows that are not in the table yet. */
  readonly workDirectory: string
  readonly signal: AbortSignal
}

/** What is written to the task together with the rows. */
export interface ImportResult {
  readonly runId: string
  readonly taskId: number
  /** Columns of the task, by their names in the database. */
  readonly columns: Readonly<Record<string, string | number | Date | null>>
}

/** The database rejected rows: a constraint, a type, a trigger. The statement was rolled back. */
export class RowsRejectedError extends Error {}

/**
 * One import. Rows are staged first, without a lock; then all of them go into the table in one transaction.
 */
export interface ImportSession {
  stage(rows: readonly Row[]): Promise<void>
  /** Begins the one transaction. */
  begin(): Promise<void>
  /**
   * Writes staged rows, which are numbered from 1.
   *
   * @returns how many were written; the others already existed
   * @throws RowsRejectedError
   */
  insert(from: number, to: number): Promise<number>
  staged(number: number): Promise<Row>
  /** @throws Error when the run is no longer held */
  commit(result: ImportResult): Promise<void>
  /** Rolls back, unless committed, and leaves nothing behind. */
  close(): Promise<void>
}

export interface ExportRequest extends Pick<FileFormat, 'format' | 'delimiter'> {
  readonly table: Table
  readonly columns: readonly { readonly name: string; readonly column: TableColumn }[]
  readonly signal: AbortSignal
}

/** A part of the file, and how many rows have been read so far. */
export interface ExportChunk {
  readonly text: string | Buffer
  readonly rows: number
}

/** A database that rows are imported into and exported from. */
export interface Store {
  /**
   * @param use views and tables of ops can be exported, but not imported into
   * @throws TaskError when there is no such table
   */
  describe(name: string, use: 'import' | 'export'): Promise<Table>
  beginImport(request: ImportRequest): Promise<ImportSession>
  /** Roughly how many rows there are; undefined if counting would take too long. */
  countRows(request: Pick<ExportRequest, 'table'>): Promise<number | undefined>
  /** The rows of one snapshot, ordered by primary key. */
  rows(request: ExportRequest): AsyncIterable<ExportChunk>
}
