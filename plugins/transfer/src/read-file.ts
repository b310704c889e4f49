import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parseSize, type TaskContext, TaskError } from '@ops-cli/core'
import type { FileFormat } from './file-format.ts'
import type { Settings } from './settings.ts'

/** Some thousand rows; larger chunks are not faster. */
const CHUNK_BYTES = 128 * 1024

/** A file that is being read. */
export interface OpenFile {
  /** Its size on the disk. */
  readonly size: number
  /** How many bytes of it have been read. */
  readonly bytesRead: () => number
  /** Its contents, decompressed, without a byte order mark. */
  readonly chunks: AsyncIterable<Buffer>
}

/** @throws TaskError when it cannot be read, or has another format */
export function openFile(
  path: string,
  { compression }: Pick<FileFormat, 'compression'>,
  { signal, settings: { maxImport } }: Pick<TaskContext<Settings>, 'signal' | 'settings'>,
): OpenFile {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw new TaskError(`${path} does not exist; a relative "file" is relative to the project`)
  if (!stat.isFile()) throw new TaskError(`${path} is not a file`)
  const raw = createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })
  const stream = compression === 'gzip' ? pipeline(raw, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : raw
  return { size: stat.size, bytesRead: () => raw.bytesRead, chunks: contents(stream, path, compression, maxImport) }
}

async function* contents(
  stream: Readable,
  path: string,
  compression: FileFormat['compression'],
  max: string,
): AsyncGenerator<Buffer> {
  let isFirst = true
  // A gzip file of a megabyte can hold a gigabyte.
  let left = parseSize(max, 'plugins.transfer.maxImport')
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      left -= chunk.length
      if (left < 0) throw new TaskError(`${path} holds more than ${max}; see "plugins.transfer.maxImport"`)
      if (isFirst) yield withoutByteOrderMark(chunk, path, compression)
      else yield chunk
      isFirst = false
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code.startsWith('Z_')) throw new TaskError(`cannot decompress ${path}: ${message}`, { cause: error })
    if (code === 'EACCES') throw new TaskError(`no permission to read ${path}`, { cause: error })
    throw error
  }
}

function withoutByteOrderMark(chunk: Buffer, path: string, compression: FileFormat['compression']): Buffer {
  const [a, b, c] = chunk
  const name = basename(path)
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
    throw new TaskError(`${path} is UTF-16; convert it to UTF-8: iconv -f utf-16 -t utf-8 ${name}`)
  if (compression === 'none' && a === 0x1f && b === 0x8b)
    throw new TaskError(`${path} is compressed with gzip; set "compression" to gzip, or rename it to ${name}.gz`)
  return a === 0xef && b === 0xbb && c === 0xbf ? chunk.subarray(3) : chunk
}
