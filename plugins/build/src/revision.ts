import { AmbiguousRefError, EmptyRepositoryError, GitError, MirrorBrokenError, RefNotFoundError } from './errors.ts'
import type { GitMirror } from './git-mirror.ts'

/**
 * The commit that a branch, a tag, or a full or shortened commit stands for.
 *
 * @param repository its name, for the message
 * @throws RefNotFoundError, AmbiguousRefError, EmptyRepositoryError
 * @throws MirrorBrokenError when the mirror knows the ref and lacks the commit
 */
export async function resolveRevision(mirror: GitMirror, repository: string, ref: string): Promise<string> {
  try {
    return await verify(mirror, `${ref}^{commit}`)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (/ambiguous/.test(error.message)) throw new AmbiguousRefError(repository, ref)
    if (await isNamedButMissing(mirror, ref)) throw new MirrorBrokenError()
    const branches = await mirror.branches()
    if (branches.length === 0 && (await mirror.ask('for-each-ref', '--count=1')) === '')
      throw new EmptyRepositoryError(repository)
    throw new RefNotFoundError(repository, ref, nearestFirst(ref, branches).slice(0, 5))
  }
}

function verify(mirror: GitMirror, expression: string): Promise<string> {
  // Behind --end-of-options a ref that begins with a dash stays a ref.
  return mirror.ask('rev-parse', '--verify', '--end-of-options', expression)
}

async function isNamedButMissing(mirror: GitMirror, ref: string): Promise<boolean> {
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

/** By how many pairs of letters they have in common. */
export function nearestFirst(word: string, names: readonly string[]): string[] {
  const wanted = pairs(word)
  const nearness = (name: string) => {
    const own = pairs(name)
    return own.intersection(wanted).size / Math.max(1, own.union(wanted).size)
  }
  return names.toSorted((a, b) => nearness(b) - nearness(a))
}

function pairs(word: string): Set<string> {
  const letters = ` ${word.toLowerCase()} `
  return new Set(Array.from({ length: letters.length - 1 }, (_, at) => letters.slice(at, at + 2)))
}
