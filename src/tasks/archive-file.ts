import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { OpsError } from '../errors.ts'
import { formatSystemError } from '../format.ts'
import type { Archive } from '../queue/history.ts'

/** A new file of JSON lines, compressed if its name ends in `.gz`. Each batch is a whole part: a killed pruning leaves a file that can be read. */
export class ArchiveFile implements Archive {
  readonly path: string
  readonly #fd: number
  #isEmpty = true

  /** @throws OpsError ARCHIVE_EXISTS, ARCHIVE_FAILED */
  constructor(path: string) {
    this.path = path
    try {
      this.#fd = openSync(path, 'wx', 0o600)
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
      if (!isThere) throw cannotWrite(path, error)
      throw new OpsError('ARCHIVE_EXISTS', `The archive ${path} already exists.`, {
        suggestions: ['use another name: an archive is never overwritten'],
      })
    }
  }

  append(lines: Buffer): void {
    try {
      const bytes = this.path.endsWith('.gz') ? gzipSync(lines) : lines
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written)
      fsyncSync(this.#fd)
      if (this.#isEmpty) syncFolder(this.path)
      this.#isEmpty = false
    } catch (error) {
      throw cannotWrite(this.path, error)
    }
  }

  /** Leaves no file if nothing was archived; returns whether there is one. */
  close(): boolean {
    closeSync(this.#fd)
    if (this.#isEmpty) rmSync(this.path, { force: true })
    return !this.#isEmpty
  }
}

/** Without it a power loss could take the name of the file. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function cannotWrite(path: string, error: unknown): OpsError {
  return new OpsError('ARCHIVE_FAILED', `Cannot write the archive ${path}: ${formatSystemError(error)}.`, {
    cause: error,
  })
}
