import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskContext } from '@ops-cli/core'
import { CheckoutFailedError, GitError, MirrorBrokenError } from './errors.ts'
import type { Git } from './git.ts'
import { GitMirror } from './git-mirror.ts'
import type { Repository } from './repository.ts'
import { resolveRevision } from './revision.ts'
import type { Settings } from './settings.ts'

export interface Checkout {
  readonly folder: string
  /** The full commit. */
  readonly revision: string
}

/**
 * Makes a clean checkout in the task's own folder, from a mirror that is brought up to date first. A mirror that turns
 * out to be damaged is thrown away and cloned anew, once.
 *
 * @param resolved told the commit as soon as it is known
 */
export async function checkOut(
  repository: Repository,
  task: { readonly id: number; readonly ref: string },
  git: Git,
  context: TaskContext<Settings>,
  resolved: (revision: string) => void,
): Promise<Checkout> {
  const cache = join(context.stateDirectory, 'cache', 'build')
  const folder = join(context.workDirectory, repository.name)
  const mirror = new GitMirror(repository, git, { cache, log: context.log })
  const attempt = async () => {
    await mirror.update(task.ref, String(task.id))
    const revision = await resolveRevision(mirror, repository.shown, task.ref)
    resolved(revision)
    await populate(folder, revision, mirror, repository, git)
    return { folder, revision }
  }
  try {
    return await attempt()
  } catch (error) {
    if (mirror.isFresh || !(error instanceof MirrorBrokenError)) throw error
    context.log(`the mirror ${mirror.path} is damaged; cloning it anew`)
    await Promise.all([mirror.discard(), rm(folder, { recursive: true, force: true })])
    return await attempt()
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
    // Before any file is there: submodules with a relative URL and large files (LFS) start from it.
    await git.ask('-C', folder, 'config', 'remote.origin.url', repository.url)
    await git.run('-C', folder, 'checkout', '--progress', '--detach', revision)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (!mirror.isFresh && !(await mirror.isIntact(revision))) throw new MirrorBrokenError()
    throw new CheckoutFailedError(`${revision} of "${repository.shown}"`, error.message, error)
  }
  if (!existsSync(join(folder, '.gitmodules'))) return
  try {
    await git.run('-C', folder, 'submodule', 'update', '--init', '--recursive', '--progress')
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    throw new CheckoutFailedError(`a submodule of "${repository.shown}"`, error.message, error)
  }
}
