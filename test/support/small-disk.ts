import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { formatCommand } from '../../src/format.ts'

/** Why no disk can be mounted here, or undefined. */
export const smallDiskMissing: string | undefined =
  process.platform !== 'linux'
    ? 'it needs a tmpfs'
    : process.getuid?.() !== 0
      ? 'only root may mount a tmpfs'
      : refusal()

/** A disk of a few megabytes, that is gone after the test. */
export class SmallDisk {
  readonly folder: string
  readonly #megabytes: number

  constructor(folder: string, megabytes: number) {
    this.#megabytes = megabytes
    mkdirSync(folder)
    mount(folder, megabytes)
    this.folder = folder
    // Lazily: a process that was killed may not have let go yet.
    onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  }

  /** A shell command that fills this disk, and writes no more than its size to any other. */
  get fillCommand(): string {
    const filler = formatCommand(join(this.folder, 'filler'))
    return `head -c ${this.#megabytes * 2 ** 20} /dev/zero 2> /dev/null > ${filler} || true`
  }

  fill(): void {
    execFileSync('sh', ['-c', this.fillCommand])
  }

  makeRoom(): void {
    rmSync(join(this.folder, 'filler'))
  }

  readOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.folder])
  }
}

function mount(folder: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'ops-test', folder], { stdio: 'pipe' })
}

function refusal(): string | undefined {
  const folder = join('/tmp', `ops-mount-${process.pid}`)
  mkdirSync(folder)
  try {
    mount(folder, 1)
    execFileSync('umount', [folder])
    return undefined
  } catch (error) {
    return `a tmpfs cannot be mounted: ${String((error as { stderr: unknown }).stderr).split('\n')[0]}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}
