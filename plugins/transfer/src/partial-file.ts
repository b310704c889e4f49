import { createWriteStream, existsSync, statSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { TaskError } from '@ops-cli/core'
import type { FileFormat } from './file-format.ts'

interface PartialFile extends Pick<FileFormat, 'compression'> {
  readonly path: string
  /** Tells it from that of another task with the same file. */
  readonly owner: string
  readonly signal: AbortSignal
}

/**
 * Writes a file beside its name and renames it when it is whole and on the disk. A file that was there is replaced in
 * that moment.
 *
 * @returns its size
 */
export async function writeWhole(pieces: AsyncIterable<string | Buffer>, file: PartialFile): Promise<number> {
  const { path, owner, compression, signal } = file
  const folder = dirname(path)
  if (!existsSync(folder)) throw new TaskError(`the folder ${folder} does not exist; make it first`)
  if (existsSync(path) && !statSync(path).isFile()) throw new TaskError(`${path} is there, and is no file`)
  const temporary = `${path}.${owner}.partial`
  try {
    const out = createWriteStream(temporary)
    const source = Readable.from(pieces, { objectMode: true })
    if (compression === 'gzip') await pipeline(source, createGzip(), out, { signal })
    else await pipeline(source, out, { signal })
    await flush(temporary)
    signal.throwIfAborted()
    await rename(temporary, path)
    await flush(folder)
    return (await stat(path)).size
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function explained(error: NodeJS.ErrnoException, path: string): Error {
  if (error.code === 'EACCES' || error.code === 'EROFS')
    return new TaskError(`${path} may not be written by the worker's user`, { cause: error })
  if (error.code === 'ENOSPC') return new TaskError(`the disk is full; ${path} was not written`, { cause: error })
  return error
}

async function flush(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}
