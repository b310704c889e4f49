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
import { OpsError } from '../errors.ts'
import { failpoint } from '../failpoint.ts'
import { formatSystemError } from '../format.ts'
import { isRunning } from '../platform/process-group.ts'
import { createPluginFolder, readPluginList } from './plugin-list.ts'

/** On the same file system as the plugins, so that a rename puts it in place. */
const STAGING = '.changing'

/** Replaced in this order; package.json comes last, and commits the change. */
const replacedFiles = ['node_modules', 'tarballs', 'package-lock.json'] as const

/**
 * A copy of a plugin folder that is changed and then either replaces the folder or is removed. So nothing is ever half
 * installed, and commands that run meanwhile use the plugins as they were. One at a time.
 */
export class PluginTransaction {
  /** The copy. */
  readonly path: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, STAGING)
  }

  /** @throws OpsError with the code PLUGINS_CHANGING, PLUGIN_FOLDER_UNWRITABLE or PLUGIN_LIST_UNREADABLE */
  static begin(folder: string): PluginTransaction {
    try {
      createPluginFolder(folder)
      takeStaging(folder)
    } catch (error) {
      throw isPermissionError(error) ? unwritable(folder, error as Error) : error
    }
    const transaction = new PluginTransaction(folder)
    try {
      // Fails before anything is copied if the list is damaged.
      readPluginList(folder)
      for (const name of [...replacedFiles, 'package.json', '.npmrc']) {
        const from = join(folder, name)
        const options = { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE }
        if (existsSync(from)) cpSync(from, join(transaction.path, name), options)
      }
    } catch (error) {
      transaction.rollback()
      throw error
    }
    return transaction
  }

  /** Puts the copy in place of the folder's contents. */
  commit(): void {
    mkdirSync(join(this.path, 'before'))
    for (const name of replacedFiles) {
      renameIfThere(join(this.#folder, name), join(this.path, 'before', name))
      renameIfThere(join(this.path, name), join(this.#folder, name))
      failpoint('plugins.replaced-one')
    }
    renameSync(join(this.path, 'package.json'), join(this.#folder, 'package.json'))
    failpoint('plugins.committed')
    this.rollback()
  }

  /** Removes the copy; nothing to do after a commit. */
  rollback(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

function takeStaging(folder: string): void {
  const path = join(folder, STAGING)
  for (;;) {
    try {
      mkdirSync(path)
      writeFileSync(join(path, 'pid'), `${process.pid}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const pid = Number(readIfThere(join(path, 'pid')))
    if (pid > 0 && isRunning(pid)) throw alreadyChanging(folder, pid)
    undo(folder)
  }
}

/** Undoes a transaction whose process died before its package.json was in place. */
function undo(folder: string): void {
  const path = join(folder, STAGING)
  const before = join(path, 'before')
  if (existsSync(join(path, 'package.json')) && existsSync(before)) {
    // What had not been moved yet is not in `before`, and still in place.
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

function isPermissionError(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function alreadyChanging(folder: string, pid: number): OpsError {
  return new OpsError('PLUGINS_CHANGING', `Another ops (pid ${pid}) is changing the plugins in ${folder}.`, {
    suggestions: ['wait until it ends, then try again'],
  })
}

function unwritable(folder: string, cause: Error): OpsError {
  return new OpsError(
    'PLUGIN_FOLDER_UNWRITABLE',
    `Cannot write to the plugin folder, ${folder}: ${formatSystemError(cause)}.`,
    {
      cause,
      suggestions: ['run this as the user who owns it', 'use another folder: OPS_DATA_DIR=<folder>'],
    },
  )
}
