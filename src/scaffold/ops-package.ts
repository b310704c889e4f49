import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { OpsError } from '../errors.ts'
import { formatCommand } from '../format.ts'
import { packageRoot } from '../plugins/find-plugins.ts'
import { npm } from '../plugins/npm.ts'

const CORE = '@ops-cli/core'

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

export function opsManifest(): Manifest {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
}

/** The version of a development tool that ops itself uses, and so do plugins. */
export function toolVersion(tool: string): string {
  const version = opsManifest().devDependencies[tool]
  if (version === undefined) throw new Error(`ops has no devDependency ${tool}`)
  return version
}

/**
 * How the package.json of a new plugin names ops: by version if this ops came from a registry, else by its folder, which
 * is the only place where npm finds it.
 *
 * @param plugin the folder of the plugin
 * @param root of ops
 */
export function coreDependency(plugin: string, root = packageRoot): string {
  if (isFromRegistry(root)) return `^${opsManifest().version}`
  const application = root.split(`${sep}node_modules${sep}`)[0]!
  const isInside = application !== root && plugin.startsWith(`${application}${sep}`)
  // Relative inside one application, which may lie elsewhere on other machines.
  return `file:${isInside ? relative(plugin, root) : root}`
}

/** npm records where it installed a package from. */
function isFromRegistry(root: string): boolean {
  const modules = dirname(dirname(root))
  const file = join(modules, '.package-lock.json')
  if (basename(modules) !== 'node_modules' || !existsSync(file)) return false
  try {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'))
    return /^https?:/.test(packages[`node_modules/${CORE}`].resolved)
  } catch {
    return false
  }
}

/**
 * Compiles a checkout of ops, if the result is missing or older than the sources: a checkout runs from its sources, but a
 * plugin is developed against the compiled package. Built aside and renamed into place, so that nothing reads half of it.
 *
 * @returns whether it was built
 * @throws OpsError with the code CANNOT_BUILD_OPS
 */
export async function buildCheckout(root: string): Promise<boolean> {
  const sources = join(root, 'src')
  if (!existsSync(sources)) return false
  const built = join(root, 'dist')
  const stamp = statSync(join(built, 'index.js'), { throwIfNoEntry: false })
  if (stamp && stamp.mtimeMs >= newest(sources)) return false
  const temporary = (name: string) => join('.ops', `${name}-${process.pid}`)
  const fresh = temporary('build')
  try {
    const done = await npm(['run', 'build:core'], { cwd: root, allowScripts: true, env: { OPS_BUILD_FOLDER: fresh } })
    if (!done.isDone)
      throw new OpsError(
        'CANNOT_BUILD_OPS',
        `Cannot build ops itself, in ${root}, whose types the plugin needs. Nothing was written.`,
        { suggestions: [`see why: ${formatCommand('cd', root)} && npm run build:core`] },
      )
    replace(built, { by: join(root, fresh), aside: join(root, temporary('built-before')) })
  } finally {
    rmSync(join(root, fresh), { recursive: true, force: true })
  }
  return true
}

function replace(folder: string, { by, aside }: { by: string; aside: string }): void {
  // Another process may be replacing it at the same time; its build is as good.
  if (existsSync(folder)) ignoreError('ENOENT', () => renameSync(folder, aside))
  ignoreError('ENOTEMPTY', () => renameSync(by, folder))
  rmSync(aside, { recursive: true, force: true })
}

function ignoreError(code: string, action: () => void): void {
  try {
    action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error
  }
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs))
}
