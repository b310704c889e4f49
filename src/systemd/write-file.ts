import { chownSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface FileRights {
  readonly mode: number
  /** Left as it is where undefined. */
  readonly group?: number | undefined
}

/** Replaces a file as a whole: who reads it sees the earlier one or the new one, also after a power cut. */
export function writeFileWhole(path: string, text: string, { mode, group }: FileRights): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const draft = `${path}.ops-${process.pid}`
  try {
    // The rights come before the content: it can be a secret.
    const file = openSync(draft, 'wx', mode)
    try {
      if (group !== undefined) chownSync(draft, process.getuid!(), group)
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
