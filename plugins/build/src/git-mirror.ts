import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EmptyRepositoryError, GitError, NoHeadError, RepositoryUnreadableError } from './errors.ts'
import type { Git } from './git.ts'
import type { Repository } from './repository.ts'

const oneDay = 24 * 60 * 60 * 1000

/**
 * A bare copy of a repository that outlives tasks, so that a build fetches only what is new. Several builds may use it
 * at once. It can always be thrown away: the next build clones it anew.
 */
export class GitMirror {
  readonly path: string
  /** Whether this task has cloned it: then cloning it again would give the same. */
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

  /** Asks git about the mirror. Named outright: git would search the folders above a mirror that is damaged. */
  ask(...args: string[]): Promise<string> {
    return this.#git.ask('--git-dir', this.path, ...args)
  }

  /**
   * Brings the mirror up to what the repository has now.
   *
   * @param ref what is wanted of it
   * @param owner names the task, for the folder that it clones into
   * @throws RepositoryUnreadableError with what git says
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

  /** Whether everything that a checkout of a commit needs can be read. */
  async isIntact(commit: string): Promise<boolean> {
    return this.ask('archive', '--format=tar', '--output=/dev/null', commit).then(() => true, orFalse)
  }

  /** Takes the mirror away. Renamed first, so that no other build meets a half of it. */
  async discard(): Promise<void> {
    const away = `${this.path}.broken-${randomUUID()}`
    await rename(this.path, away).catch(() => {})
    await rm(away, { recursive: true, force: true })
  }

  async #clone(owner: string): Promise<void> {
    const temporary = `${this.path}.new-${owner}`
    await mkdir(dirname(this.path), { recursive: true })
    await this.#removeLeftovers(temporary)
    try {
      // Not by hard links, which need a repository that nobody writes to meanwhile and that is the worker's own.
      await this.#git.run('clone', '--mirror', '--no-local', '--progress', ...this.#source(), temporary)
      // The URL may hold a password; every fetch names it anyway.
      await this.#git.ask('--git-dir', temporary, 'config', '--remove-section', 'remote.origin')
      await rename(temporary, this.path).catch(acceptLostRace)
      this.isFresh = true
    } catch (error) {
      throw this.#unreadable(error)
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
      // Readable, so it is the mirror, or another build that moved a ref at the same moment.
      if (await fetch().then(() => true, orFalse)) return
      this.#log(`the mirror ${this.path} cannot be updated (${(error as Error).message}); cloning it anew`)
      await this.discard()
      await this.#clone(owner)
    }
  }

  /** A fetch leaves a mirror's HEAD alone, so a new default branch would be missed. */
  async #followHead(): Promise<void> {
    const answer = await this.#lsRemoteHead()
    const branch = /^ref: (\S+)\tHEAD$/m.exec(answer)?.[1]
    const commit = /^([0-9a-f]{40,64})\tHEAD$/m.exec(answer)?.[1]
    if (commit === undefined) {
      const branches = await this.branches()
      throw branches.length > 0
        ? new NoHeadError(this.#repository.shown, branches)
        : new EmptyRepositoryError(this.#repository.shown)
    }
    if (branch !== undefined) await this.ask('symbolic-ref', 'HEAD', branch)
    else if (await this.has(commit)) await this.ask('update-ref', '--no-deref', 'HEAD', commit)
    else if (await this.#fetchCommit('HEAD')) await this.ask('update-ref', '--no-deref', 'HEAD', commit)
  }

  /** A commit that no branch or tag leads to any more; many servers still give it. */
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
      throw this.#unreadable(error)
    }
  }

  /**
   * The arguments that name the repository.
   *
   * The operator named this path, so it may belong to another user. Said to the one process that asks: git-upload-pack
   * is not given its parent's configuration, neither by `-c` nor by variables (connect.c clears them).
   */
  #source(): string[] {
    const { path, url } = this.#repository
    if (path === undefined) return ['--', url]
    const safe = [path, join(path, '.git')].map((folder) => `-c safe.directory=${quoted(folder)}`)
    return ['--upload-pack', `git ${safe.join(' ')} upload-pack`, '--', url]
  }

  /** What clones that were killed have left. A clone of another build may be at work, so only what is old goes. */
  async #removeLeftovers(own: string): Promise<void> {
    const folder = dirname(this.path)
    const names = await readdir(folder)
    for (const name of names.filter((name) => name.startsWith(`${basename(this.path)}.`))) {
      const path = join(folder, name)
      const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0)
      if (path === own || age > oneDay) await rm(path, { recursive: true, force: true })
    }
  }

  #unreadable(error: unknown): unknown {
    if (!(error instanceof GitError)) return error
    const { shown, path } = this.#repository
    // git says that it does not exist, which is a riddle to somebody who sees the folder.
    const isNone = path !== undefined && /does not (exist|appear to be a git repository)$/.test(error.message)
    return new RepositoryUnreadableError(shown, isNone ? `${path} is not a git repository` : error.message)
  }
}

function isCommit(ref: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)
}

/** For a question to git: its refusal is an answer, anything else is not. */
function orFalse(error: unknown): false {
  if (error instanceof GitError) return false
  throw error
}

/** Another build cloned the same repository and was first: its mirror is as good. */
function acceptLostRace(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}
