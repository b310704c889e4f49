import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

export interface WriteOptions {
  /** `0o644` by default, less the umask; exactly this where it is given. */
  readonly mode?: number | undefined
  readonly group?: number | undefined
  /** Creates missing folders with exactly this mode. Without it the folder must exist. */
  readonly folderMode?: number | undefined
  /** Waits until the file is on the disk, so that it survives a power cut. */
  readonly sync?: boolean
}

/** Replaces a file as a whole: a reader sees the old content or the new, never a part. */
export function writeFile(path: string, content: string, { mode, group, folderMode, sync }: WriteOptions = {}): void {
  if (folderMode !== undefined) createFolder(dirname(path), folderMode)
  const draft = `${path}.${process.pid}.new`
  try {
    // The permissions come before the content, which can be a secret.
    const file = openSync(draft, 'w', mode ?? 0o644)
    try {
      if (group !== undefined) fchownSync(file, process.getuid!(), group)
      if (mode !== undefined) fchmodSync(file, mode)
      writeFileSync(file, content)
      if (sync) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

export function writeJson(path: string, value: unknown, options?: WriteOptions): void {
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`, options)
}

function createFolder(folder: string, mode: number): void {
  const outermost = mkdirSync(folder, { recursive: true })
  // mkdir(2) takes the umask away from the mode.
  for (let made = folder; outermost !== undefined && made.length >= outermost.length; made = dirname(made)) {
    chmodSync(made, mode)
  }
}
