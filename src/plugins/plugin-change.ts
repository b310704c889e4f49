import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { failpoint } from '../failpoint.ts'
import { PluginFolderUnwritableError, PluginsChangingError } from './plugin-errors.ts'
import { makePluginFolder, readPluginList } from './plugin-list.ts'

/** Beside what is in use, and in the same file system. */
const WORKPLACE = '.changing'

/** What is put in place of what was, in this order; the list comes last, and with it the change counts. */
const replaced = ['node_modules', 'tarballs', 'package-lock.json'] as const

/**
 * A copy of a folder of plugins that is changed in peace, and either takes its place or is gone. So nothing is half
 * installed, whatever fails, and commands that run meanwhile find the plugins as they were. There is one at a time.
 */
export class PluginChange {
  /** The copy. */
  readonly path: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, WORKPLACE)
  }

  /** @throws PluginsChangingError, PluginFolderUnwritableError, PluginListUnreadableError */
  static begin(folder: string): PluginChange {
    try {
      makePluginFolder(folder)
      takeWorkplace(folder)
    } catch (error) {
      throw isRefusal(error) ? new PluginFolderUnwritableError(folder, error as Error) : error
    }
    const change = new PluginChange(folder)
    try {
      // Read before it is copied, so that a list that is damaged is told and stays as it is.
      readPluginList(folder)
      for (const name of [...replaced, 'package.json', '.npmrc']) {
        const from = join(folder, name)
        const options = { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE }
        if (existsSync(from)) cpSync(from, join(change.path, name), options)
      }
    } catch (error) {
      change.abandon()
      throw error
    }
    return change
  }

  /** Puts the copy in place. */
  commit(): void {
    mkdirSync(join(this.path, 'before'))
    for (const name of replaced) {
      renameIfThere(join(this.#folder, name), join(this.path, 'before', name))
      renameIfThere(join(this.path, name), join(this.#folder, name))
      failpoint('plugins.replaced-one')
    }
    renameSync(join(this.path, 'package.json'), join(this.#folder, 'package.json'))
    failpoint('plugins.committed')
    this.abandon()
  }

  abandon(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

function takeWorkplace(folder: string): void {
  const path = join(folder, WORKPLACE)
  for (;;) {
    try {
      mkdirSync(path)
      writeFileSync(join(path, 'pid'), `${process.pid}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const pid = Number(readIfThere(join(path, 'pid')))
    if (pid > 0 && isAlive(pid)) throw new PluginsChangingError(folder, pid)
    undo(folder)
  }
}

/** What a change has left whose process died. Until its list was in place nothing of it counts. */
function undo(folder: string): void {
  const path = join(folder, WORKPLACE)
  const before = join(path, 'before')
  if (existsSync(join(path, 'package.json')) && existsSync(before)) {
    // One that was not moved away yet has nothing in `before`, and is as it was.
    for (const name of readdirSync(before)) {
      rmSync(join(folder, name), { recursive: true, force: true })
      renameSync(join(before, name), join(folder, name))
    }
  }
  rmSync(path, { recursive: true, force: true })
}

function renameIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to)
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isRefusal(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}
