import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync, lstatSync, statSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { TaskError } from '@ops-cli/core'
import type { FileFormat } from './file-format.ts'

interface FileToWrite extends Pick<FileFormat, 'compression'> {
  readonly path: string
  readonly signal: AbortSignal
}

/**
 * Writes a file under another name and renames it when it is complete and on the disk. An existing file is replaced at
 * that moment.
 *
 * @returns its size
 */
export async function writeFile(chunks: AsyncIterable<string | Buffer>, file: FileToWrite): Promise<number> {
  const { path, compression, signal } = file
  const folder = dirname(path)
  if (!existsSync(folder)) throw new TaskError(`folder ${folder} does not exist; create it first`)
  if (existsSync(path) && !statSync(path).isFile()) throw new TaskError(`${path} exists and is not a file`)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw new TaskError(`${path} is a link`)
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.partial`)
  // Exclusively, so that nobody can have put a link there.
  const out = createWriteStream(temporary, { flags: 'wx' })
  try {
    const source = Readable.from(chunks, { objectMode: true })
    if (compression === 'gzip') await pipeline(source, createGzip(), out, { signal })
    else await pipeline(source, out, { signal })
    await flush(temporary)
    signal.throwIfAborted()
    await rename(temporary, path)
    await flush(folder)
    return (await stat(path)).size
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function explain(error: NodeJS.ErrnoException, path: string): Error {
  if (error.code === 'EACCES' || error.code === 'EROFS')
    return new TaskError(`no permission to write ${path}`, { cause: error })
  if (error.code === 'ENOSPC') return new TaskError(`disk full; ${path} was not written`, { cause: error })
  return error
}

async function flush(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}
