import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

interface Build {
  readonly id: number
  readonly repository: string
}

/**
 * Removes the oldest artifacts of a repository, so that `keep` of them stay, the newest included. The rows keep what
 * they say of them.
 *
 * @param newest the artifact of this build, which always stays
 * @param find the build that an artifact belongs to
 */
export async function keepNewest(
  keep: number,
  build: Build,
  newest: string,
  log: (line: string) => void,
  find: (id: number) => Promise<Build | undefined>,
): Promise<void> {
  const folder = dirname(newest)
  const older: { id: number; name: string }[] = []
  for (const name of await readdir(folder)) {
    const id = Number(/^(\d+)-[0-9a-f]+\.tar\.gz$/.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(id) || name === basename(newest)) continue
    if ((await find(id))?.repository === build.repository) older.push({ id, name })
  }
  for (const { name } of older.toSorted((a, b) => b.id - a.id).slice(keep - 1)) {
    await rm(join(folder, name), { force: true })
    log(`removed ${join(folder, name)}, since the newest ${keep} are kept`)
  }
}
