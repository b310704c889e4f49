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

export interface FileRights {
  readonly mode: number
  /** Left as it is where undefined. */
  readonly group?: number | undefined
}

/** Replaces a file as a whole: who reads it sees the earlier one or the new one, also after a power cut. */
export function writeFileWhole(path: string, text: string, { mode, group }: FileRights): void {
  const made = mkdirSync(dirname(path), { recursive: true })
  // Whatever the umask of whoever installs: who asks ops for tasks has to find the manifest.
  if (made !== undefined) for (const folder of foldersFrom(made, dirname(path))) chmodSync(folder, 0o755)
  const draft = `${path}.ops-${process.pid}`
  try {
    // The rights come before the content: it can be a secret.
    const file = openSync(draft, 'wx', mode)
    try {
      if (group !== undefined) fchownSync(file, process.getuid!(), group)
      fchmodSync(file, mode)
      writeFileSync(file, text)
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

function foldersFrom(outer: string, inner: string): string[] {
  return inner === outer ? [outer] : [...foldersFrom(outer, dirname(inner)), inner]
}
