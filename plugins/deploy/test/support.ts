import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder with special characters in its name, removed after the test. */
export function temporaryFolder(name = `ops deploy's "$x" `): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), name))
  onTestFinished(() => {
    execFileSync('chmod', ['-R', 'u+rwX', folder])
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  return folder
}

/** Writes files by their paths. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** An archive like that of a build. */
export function makeArtifact(files: Readonly<Record<string, string>>): { file: string; sha256: string } {
  const folder = temporaryFolder()
  writeFiles(join(folder, 'contents'), files)
  const file = join(folder, 'artifact.tar.gz')
  execFileSync('tar', ['-czf', file, '-C', join(folder, 'contents'), '.'])
  return { file, sha256: sha256(file) }
}

export function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
