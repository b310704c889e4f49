import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { environment, npm } from './npm.ts'
import { npmError } from './npm-errors.ts'
import { PluginInstallError, PluginNotFoundError } from './plugin-errors.ts'
import type { PluginSource } from './plugin-source.ts'

/** A plugin that npm can install now. */
export interface FetchedPlugin {
  readonly name: string
  readonly version: string
  /** What npm is given, and keeps in package.json. */
  readonly dependency: string
  /** What it was asked for by. */
  readonly source: PluginSource
}

/**
 * Finds out what a source is. What is not in the registry is packed into the folder of the plugins, so that the lock
 * file holds on a machine that has neither the tarball nor the repository.
 */
export async function fetchPlugin(
  source: PluginSource,
  { folder, allowScripts }: { folder: string; allowScripts: boolean },
): Promise<FetchedPlugin> {
  if (source.kind === 'registry') return findInRegistry(source, folder)
  if (source.kind === 'git') await seeRepository(source)
  const arriving = join(folder, 'arriving')
  mkdirSync(arriving, { recursive: true })
  const packed = await npm(['pack', source.spec, `--pack-destination=${arriving}`], { cwd: folder, allowScripts })
  if (!packed.isDone) throw packError(source, packed)
  const [pack] = packed.value as { name: string; version: string; filename: string }[]
  const { name, version, filename } = pack!
  const file = join(arriving, filename)
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 8)
  // npm refuses another content under a name that it knows, so the content is part of the name.
  const kept = join('tarballs', `${name.replace('@', '').replace('/', '-')}-${version}-${digest}.tgz`)
  mkdirSync(join(folder, 'tarballs'), { recursive: true })
  renameSync(file, join(folder, kept))
  rmSync(arriving, { recursive: true })
  return { name, version, dependency: `file:${kept}`, source }
}

async function findInRegistry(
  source: Extract<PluginSource, { kind: 'registry' }>,
  folder: string,
): Promise<FetchedPlugin> {
  const found = await npm(['view', source.spec, 'name', 'version'], { cwd: folder, allowScripts: false, isProbe: true })
  if (!found.isDone) throw npmError(source.spec, found)
  // Where several versions match, npm lists them with the newest last.
  const newest = (Array.isArray(found.value) ? found.value.at(-1) : found.value) as
    | { name: string; version: string }
    | undefined
  if (newest === undefined) throw npmError(source.spec, { isDone: false, code: 'ETARGET', summary: '', detail: '' })
  return { name: newest.name, version: newest.version, dependency: newest.version, source }
}

/** npm would try for minutes, and say in many lines what git says in one. */
async function seeRepository({ repository, spec }: Extract<PluginSource, { kind: 'git' }>): Promise<void> {
  const options = { env: environment(), reject: false, timeout: 20_000, stdin: 'ignore' } as const
  const result = await execa('git', ['ls-remote', '--quiet', repository, 'HEAD'], options)
  if (!result.failed) return
  if (result.code === 'ENOENT')
    throw new PluginInstallError(spec, 'git is not installed', ['install git, or a tarball of the plugin'])
  const said = result.stderr.split('\n').map((line) => line.trim())
  const why = result.timedOut ? 'no answer within 20 s' : (said.find((line) => /^(fatal|ssh):/.test(line)) ?? said[0])
  throw new PluginNotFoundError(
    spec,
    `git cannot read ${repository} (${why?.replace(/\.$/, '') || 'no reason given'})`,
    ['see that it is there and open to you: git ls-remote <repository>'],
  )
}

function packError(source: PluginSource, failure: Parameters<typeof npmError>[1]) {
  const name = source.spec
  if (source.kind === 'git' && /git reference could not be found|could not find/i.test(failure.summary)) {
    return new PluginNotFoundError(name, `${source.repository} has no "${source.ref}"`, [
      'name a branch, a tag or a commit behind the #',
    ])
  }
  if (
    source.kind === 'tarball' &&
    /TAR_|zlib|Z_DATA|ENODATA|EBADTARBALL|Invalid tarball|ENOENT/i.test(`${failure.code} ${failure.summary}`)
  ) {
    return new PluginInstallError(name, 'it is no tarball of a package', [
      'make one with npm pack, in the folder of the plugin',
    ])
  }
  return npmError(name, failure)
}
