import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { didYouMean, nearest, type TaskContext, TaskError } from '@ops-cli/core'
import { type Git, GitError } from './git.ts'
import { emptyRepository, GitMirror, MirrorBrokenError } from './git-mirror.ts'
import type { Repository } from './repository.ts'
import type { Settings } from './settings.ts'

export interface Checkout {
  readonly folder: string
  /** The full commit. */
  readonly revision: string
}

/**
 * Makes a clean checkout in the task's own folder, from a mirror that is updated first. A damaged mirror is deleted and
 * cloned again, once.
 *
 * @param onResolved called with the commit as soon as it is known
 */
export async function checkOut(
  repository: Repository,
  task: { readonly id: number; readonly ref: string },
  git: Git,
  context: TaskContext<Settings>,
  onResolved: (revision: string) => void,
): Promise<Checkout> {
  const cache = join(context.stateDirectory, 'cache', 'build')
  const folder = join(context.workDirectory, repository.name)
  const mirror = new GitMirror(repository, git, { cache, log: context.log })
  const attempt = async () => {
    await mirror.update(task.ref, String(task.id))
    const revision = await resolveRevision(mirror, repository.shown, task.ref)
    onResolved(revision)
    await populate(folder, revision, mirror, repository, git)
    return { folder, revision }
  }
  try {
    return await attempt()
  } catch (error) {
    if (mirror.isFresh || !(error instanceof MirrorBrokenError)) throw error
    context.log(`the mirror ${mirror.path} is damaged; cloning it again`)
    await Promise.all([mirror.discard(), rm(folder, { recursive: true, force: true })])
    return await attempt()
  }
}

/** As people write a commit. Always of the same length, unlike git's own abbreviation. */
export function shortRevision(revision: string): string {
  return revision.slice(0, 7)
}

/**
 * The commit of a branch, a tag, or a full or abbreviated commit.
 *
 * @throws TaskError when there is none
 * @throws MirrorBrokenError when the mirror has the ref but not its commit
 */
async function resolveRevision(mirror: GitMirror, repository: string, ref: string): Promise<string> {
  try {
    return await verify(mirror, `${ref}^{commit}`)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (/ambiguous/.test(error.message))
      throw new TaskError(`"${ref}" matches several commits of "${repository}"; use more digits`)
    if (await isCommitMissing(mirror, ref)) throw new MirrorBrokenError()
    const branches = await mirror.branches()
    if (branches.length === 0 && (await mirror.ask('for-each-ref', '--count=1')) === '')
      throw emptyRepository(repository)
    const sentence = `"${repository}" has no branch, tag or commit "${ref}".`
    const latest = branches.length > 0 ? ` Latest branches: ${branches.slice(0, 5).join(', ')}` : ''
    throw new TaskError(nearest(ref, branches) === undefined ? sentence + latest : didYouMean(sentence, ref, branches))
  }
}

function verify(mirror: GitMirror, expression: string): Promise<string> {
  // After --end-of-options a ref that starts with a dash is still a ref.
  return mirror.ask('rev-parse', '--verify', '--end-of-options', expression)
}

async function isCommitMissing(mirror: GitMirror, ref: string): Promise<boolean> {
  if (/^[0-9a-f]+$/.test(ref)) return false
  try {
    const object = await verify(mirror, ref)
    return !(await mirror.ask('cat-file', '-e', object).then(
      () => true,
      () => false,
    ))
  } catch (error) {
    if (error instanceof GitError) return false
    throw error
  }
}

async function populate(
  folder: string,
  revision: string,
  mirror: GitMirror,
  repository: Repository,
  git: Git,
): Promise<void> {
  try {
    await git.run('clone', '--quiet', '--local', '--no-checkout', '--', mirror.path, folder)
    // Before any file exists: submodules with a relative URL and large files (LFS) start from it.
    await git.ask('-C', folder, 'config', 'remote.origin.url', repository.url)
    await git.run('-C', folder, 'checkout', '--progress', '--detach', revision)
  } catch (error) {
    if (error instanceof GitError && !mirror.isFresh && !(await mirror.isIntact(revision)))
      throw new MirrorBrokenError()
    throw checkoutFailure(`${revision} of "${repository.shown}"`, error)
  }
  if (!existsSync(join(folder, '.gitmodules'))) return
  try {
    await git.run('-C', folder, 'submodule', 'update', '--init', '--recursive', '--progress')
  } catch (error) {
    throw checkoutFailure(`a submodule of "${repository.shown}"`, error)
  }
}

function checkoutFailure(what: string, error: unknown): unknown {
  if (!(error instanceof GitError)) return error
  return new TaskError(`cannot check out ${what}: ${error.message}`, { cause: error })
}
