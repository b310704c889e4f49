import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { removeFolder } from './temporary-folder.ts'

const GIGABYTE = 1024 ** 3

/**
 * Where a run of tests has its temporary files: in memory where there is plenty, since some disks take longer for the
 * thousands of files that come and go than the tests for all else.
 */
export function runFolder(): string {
  const parent = process.env.TMPDIR === undefined && hasRoom('/dev/shm') ? '/dev/shm' : tmpdir()
  return join(parent, `ops-tests-${process.pid}`)
}

/** Makes it for the run, PostgreSQL included, and removes it with all that was left in it. */
export default function setup({ vitest }: TestProject): (() => void) | undefined {
  if (vitest.getProvidedContext().runFolder !== undefined) return undefined
  const folder = runFolder()
  const before = process.env.TMPDIR
  vitest.provide('runFolder', folder)
  removeLeftovers(dirname(folder))
  mkdirSync(folder)
  // As folders for temporary files are: PostgreSQL runs as another user.
  chmodSync(folder, 0o1777)
  process.env.TMPDIR = folder
  return () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    removeFolder(folder)
  }
}

/** A run that was killed has left its folder. */
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = /^ops-tests-(\d+)$/.exec(name) ?? []
    if (pid !== undefined && existsSync('/proc/self') && !existsSync(`/proc/${pid}`)) removeFolder(join(parent, name))
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly runFolder: string
  }
}

function hasRoom(folder: string): boolean {
  try {
    const mounted = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const [, , type, options = ''] = mounted.find((line) => line.split(' ')[1] === folder)?.split(' ') ?? []
    const { bavail, bsize } = statfsSync(folder)
    // Tests run programs that they have written.
    if (type !== 'tmpfs' || options.split(',').includes('noexec')) return false
    return bavail * bsize > 2 * GIGABYTE && process.availableMemory() > 4 * GIGABYTE
  } catch {
    return false
  }
}
