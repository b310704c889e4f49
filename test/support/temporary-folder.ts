import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** What the paths of temporary folders begin with. The space is there for whatever forgets to quote a path. */
export const temporaryPrefix = join(realpathSync(tmpdir()), 'ops test-')

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = makeFolder()
  onTestFinished(() => removeFolder(folder))
  return folder
}

/** The same for a folder that several tests share: whoever makes it removes it. */
export function makeFolder(prefix = temporaryPrefix): string {
  return mkdtempSync(prefix)
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
