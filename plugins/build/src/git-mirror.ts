import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { formatCommand, TaskError } from '@ops-cli/core'
import { type Git, GitError } from './git.ts'
import { type Repository, unreadable } from './repository.ts'

const ONE_DAY_MS = 24 * 60 * 60 * 1000

/** The mirror does not contain what its own refs point to. Never fails a task: the mirror is cloned again. */
export class MirrorBrokenError extends Error {}

/**
 * A bare copy of a repository that outlives tasks, so that a build fetches only what is new. Several builds may use it
 * at the same time. It can be deleted at any time: the next build clones it again.
 */
export class GitMirror {
  readonly path: string
  /** Whether this task has cloned it, so that cloning it again would not help. */
  isFresh = false
  readonly #repository: Repository
  readonly #git: Git
  readonly #log: (line: string) => void

  constructor(repository: Repository, git: Git, { cache, log }: { cache: string; log: (line: string) => void }) {
    this.path = join(cache, `${repository.slug}.git`)
    this.#repository = repository
    this.#git = git
    this.#log = log
  }

  /** Asks git about the mirror. With --git-dir, because git would search the parent folders of a damaged one. */
  ask(...args: string[]): Promise<string> {
    return this.#git.ask('--git-dir', this.path, ...args)
  }

  /**
   * Updates the mirror from the repository.
   *
   * @param ref the ref that will be resolved
   * @param owner the id of the task, for the name of the folder that it clones into
   * @throws TaskError with git's complaint
   */
  async update(ref: string, owner: string): Promise<void> {
    if (!existsSync(this.path)) await this.#clone(owner)
    else if (!isCommit(ref) || !(await this.has(ref))) await this.#fetch(owner)
    if (/^(HEAD|@)(?![\w-])/.test(ref)) await this.#followHead()
    if (isCommit(ref) && !(await this.has(ref))) await this.#fetchCommit(ref)
  }

  async has(commit: string): Promise<boolean> {
    return this.ask('cat-file', '-e', `${commit}^{commit}`).then(() => true, orFalse)
  }

  /** Whether everything that a checkout of the commit needs is readable. */
  async isIntact(commit: string): Promise<boolean> {
    return this.ask('archive', '--format=tar', '--output=/dev/null', commit).then(() => true, orFalse)
  }

  /** Deletes the mirror. Renamed first, so that no other build uses half of it. */
  async discard(): Promise<void> {
    const away = `${this.path}.broken-${randomUUID()}`
    await rename(this.path, away).catch(() => {})
    await rm(away, { recursive: true, force: true })
  }

  async #clone(owner: string): Promise<void> {
    const temporary = `${this.path}.new-${owner}`
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
    await this.#removeLeftovers(temporary)
    try {
      // Not with hard links, which need a repository that is owned by this user and not written to meanwhile.
      await this.#git.run('clone', '--mirror', '--no-local', '--progress', ...this.#source(), temporary)
      // Every fetch passes the URL.
      await this.#git.ask('--git-dir', temporary, 'config', '--remove-section', 'remote.origin')
      await rename(temporary, this.path).catch(acceptLostRace)
      this.isFresh = true
    } catch (error) {
      throw this.#explain(error)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  }

  async #fetch(owner: string): Promise<void> {
    const fetch = () =>
      this.#git.run('--git-dir', this.path, 'fetch', '--prune', '--progress', ...this.#source(), '+refs/*:refs/*')
    try {
      await fetch()
    } catch (error) {
      await this.#lsRemoteHead()
      // The repository is readable, so the mirror is damaged, or another build moved a ref at the same moment.
      if (await fetch().then(() => true, orFalse)) return
      this.#log(`the mirror ${this.path} cannot be updated (${(error as Error).message}); cloning it again`)
      await this.discard()
      await this.#clone(owner)
    }
  }

  /** A fetch does not update a mirror's HEAD, so a new default branch would be missed. */
  async #followHead(): Promise<void> {
    const answer = await this.#lsRemoteHead()
    const branch = /^ref: (\S+)\tHEAD$/m.exec(answer)?.[1]
    const commit = /^([0-9a-f]{40,64})\tHEAD$/m.exec(answer)?.[1]
    if (commit === undefined) {
      const branches = await this.branches()
      throw branches.length > 0
        ? new TaskError(
            `the default branch of "${this.#repository.shown}" does not exist; set "ref" to one of: ${branches.join(', ')}`,
          )
        : emptyRepository(this.#repository.shown)
    }
    if (branch !== undefined) await this.ask('symbolic-ref', 'HEAD', branch)
    else if (await this.has(commit)) await this.ask('update-ref', '--no-deref', 'HEAD', commit)
    else if (await this.#fetchCommit('HEAD')) await this.ask('update-ref', '--no-deref', 'HEAD', commit)
  }

  /** A commit that is not reachable from a branch or tag; many servers still serve it. */
  async #fetchCommit(commit: string): Promise<boolean> {
    return this.#git.run('--git-dir', this.path, 'fetch', ...this.#source(), commit).then(() => true, orFalse)
  }

  async branches(): Promise<string[]> {
    const format = '--format=%(refname:short)'
    const list = await this.ask('for-each-ref', '--count=100', '--sort=-committerdate', format, 'refs/heads').catch(
      orFalse,
    )
    return list ? list.split('\n') : []
  }

  async #lsRemoteHead(): Promise<string> {
    try {
      return await this.#git.ask('ls-remote', '--symref', ...this.#source(), 'HEAD')
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /**
   * The arguments for the repository.
   *
   * The operator chose this path, so it may belong to another user. git-upload-pack has to be told itself: it does not
   * inherit its parent's configuration, neither from `-c` nor from variables (connect.c clears them).
   */
  #source(): string[] {
    const { path, url } = this.#repository
    if (path === undefined) return ['--', url]
    const safe = [path, join(path, '.git')].flatMap((folder) => ['-c', `safe.directory=${folder}`])
    return ['--upload-pack', formatCommand('git', ...safe, 'upload-pack'), '--', url]
  }

  /** Removes what killed clones left. Another build may be cloning, so only old folders are removed. */
  async #removeLeftovers(own: string): Promise<void> {
    const folder = dirname(this.path)
    const names = await readdir(folder)
    for (const name of names.filter((name) => name.startsWith(`${basename(this.path)}.`))) {
      const path = join(folder, name)
      const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0)
      if (path === own || age > ONE_DAY_MS) await rm(path, { recursive: true, force: true })
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof GitError)) return error
    const { shown, path } = this.#repository
    // git says that it does not exist, although the folder may.
    const isNone = path !== undefined && /does not (exist|appear to be a git repository)$/.test(error.message)
    return unreadable(shown, isNone ? `${path} is not a git repository` : error.message)
  }
}

function isCommit(ref: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)
}

/** A refusal by git is an answer; any other error is not. */
function orFalse(error: unknown): false {
  if (error instanceof GitError) return false
  throw error
}

/** Another build has cloned the same repository first, and its mirror is as good. */
function acceptLostRace(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
}

export function emptyRepository(repository: string): TaskError {
  return new TaskError(`"${repository}" has no commits; push one, then retry the build`)
}
