import type { FileFormat } from './file-format.ts'
import type { Table, TableColumn } from './table.ts'

/** A value on its way into a column. Booleans and binaries are encoded by each database. */
export type Value = string | number | bigint | boolean | Buffer | null

export interface Row {
  /** Where it begins in the file. */
  readonly line: number
  /** In the order of the import's columns. */
  readonly values: readonly Value[]
}

export interface ImportRequest {
  readonly table: Table
  readonly columns: readonly TableColumn[]
  /** What happens to a row that is there already. */
  readonly conflict: { readonly do: 'fail' | 'skip' } | { readonly do: 'update'; readonly key: readonly string[] }
  /** A folder for what is not yet in the table. */
  readonly workDirectory: string
  readonly signal: AbortSignal
}

/** What the task's row and its run say when the rows are in. */
export interface Seal {
  readonly runId: string
  readonly taskId: number
  /** Columns of the task, by their names in the database. */
  readonly columns: Readonly<Record<string, string | number | Date | null>>
}

/** The database refused rows for what they are: a constraint, a type, a trigger. Nothing of the statement was kept. */
export class RowsRefusedError extends Error {}

/**
 * One import. Rows are collected apart, out of everybody's way; then all of them go into the table in one transaction.
 */
export interface ImportSession {
  collect(rows: readonly Row[]): Promise<void>
  /** Begins the one transaction. */
  begin(): Promise<void>
  /**
   * Writes collected rows, numbered from 1 in the order they came.
   *
   * @returns how many were written; the others were there already
   * @throws RowsRefusedError
   */
  insert(from: number, to: number): Promise<number>
  collected(number: number): Promise<Row>
  /** @throws Error when the run has ended */
  commit(seal: Seal): Promise<void>
  /** Undoes what was begun and leaves nothing behind. */
  close(): Promise<void>
}

export interface ExportRequest extends Pick<FileFormat, 'format' | 'delimiter'> {
  readonly table: Table
  readonly columns: readonly { readonly name: string; readonly column: TableColumn }[]
  readonly where: string | null
  readonly signal: AbortSignal
}

/** A piece of the file, and how many rows have been read with it. */
export interface ExportedPiece {
  readonly text: string | Buffer
  readonly rows: number
}

/** A database, as far as rows go in and out. */
export interface Store {
  /**
   * @param use a view can be exported; what belongs to ops can be exported, and is never imported into
   * @throws TaskError when there is no such table
   */
  describe(name: string, use: 'import' | 'export'): Promise<Table>
  beginImport(request: ImportRequest): Promise<ImportSession>
  /** About how many rows there are, or undefined where counting takes too long. */
  countRows(request: Pick<ExportRequest, 'table' | 'where'>): Promise<number | undefined>
  /** The rows as they were at one moment, by their primary key. */
  rows(request: ExportRequest): AsyncIterable<ExportedPiece>
}
