import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from '../plugins/npm.ts'
import { CannotBuildOpsError } from '../scaffold/scaffold-errors.ts'

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
  const done = await npm(['run', 'build:core'], { cwd: root, allowScripts: true, env: { OPS_BUILD_FOLDER: fresh } })
  if (!done.isDone) throw new CannotBuildOpsError(root, done.summary)
  try {
    replace(built, { by: join(root, fresh), aside: join(root, aside('built-before')) })
  } catch (error) {
    throw new CannotBuildOpsError(root, (error as Error).message)
  } finally {
    rmSync(join(root, fresh), { recursive: true, force: true })
  }
  return true
}

function replace(folder: string, { by, aside }: { by: string; aside: string }): void {
  if (existsSync(folder)) renameSync(folder, aside)
  try {
    renameSync(by, folder)
  } catch (error) {
    // Somebody else has just built it too.
    if (!existsSync(folder)) throw error
  }
  rmSync(aside, { recursive: true, force: true })
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs))
}
