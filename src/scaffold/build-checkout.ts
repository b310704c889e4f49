import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from '../plugins/npm.ts'
import { CannotBuildOpsError } from './scaffold-errors.ts'

/**
 * A checkout of ops runs from its sources, but a plugin that is developed with it needs what is compiled. Builds that
 * where it is missing or older than the sources, beside what is there, so that nobody meets half of it.
 *
 * @param root of ops
 * @returns whether it was built
 * @throws CannotBuildOpsError
 */
export async function buildCheckout(root: string): Promise<boolean> {
  const sources = join(root, 'src')
  if (!existsSync(sources)) return false
  const built = join(root, 'dist')
  const stamp = statSync(join(built, 'index.js'), { throwIfNoEntry: false })
  if (stamp && stamp.mtimeMs >= newest(sources)) return false
  const aside = (what: string) => join('.ops', `${what}-${process.pid}`)
  const fresh = aside('build')
  try {
    const done = await npm(['run', 'build:core'], { cwd: root, allowScripts: true, env: { OPS_BUILD_FOLDER: fresh } })
    if (!done.isDone) throw new CannotBuildOpsError(root)
    replace(built, { by: join(root, fresh), aside: join(root, aside('built-before')) })
  } finally {
    rmSync(join(root, fresh), { recursive: true, force: true })
  }
  return true
}

function replace(folder: string, { by, aside }: { by: string; aside: string }): void {
  // Somebody else may be replacing it too, and what they built is as good.
  if (existsSync(folder)) unless('ENOENT', () => renameSync(folder, aside))
  unless('ENOTEMPTY', () => renameSync(by, folder))
  rmSync(aside, { recursive: true, force: true })
}

function unless(code: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error
  }
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs))
}
