import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { installFailed, type NpmFailure, npm, npmEnvironment, npmError, pluginNotFound } from './npm.ts'
import type { PluginSource } from './plugin-source.ts'

/** A plugin that npm can install. */
export interface FetchedPlugin {
  readonly name: string
  readonly version: string
  /** What npm gets, and keeps in package.json. */
  readonly dependency: string
  readonly source: PluginSource
}

/**
 * Finds the package of a source. Unless it is in the registry, it is packed into the plugin folder, so that the lock file
 * works on a machine that has neither the tarball nor the repository.
 */
export async function fetchPlugin(
  source: PluginSource,
  { folder, allowScripts }: { folder: string; allowScripts: boolean },
): Promise<FetchedPlugin> {
  if (source.kind === 'registry') return findInRegistry(source, folder)
  if (source.kind === 'git') await checkRepository(source)
  const incoming = join(folder, 'incoming')
  mkdirSync(incoming, { recursive: true })
  const packed = await npm(['pack', source.spec, `--pack-destination=${incoming}`], { cwd: folder, allowScripts })
  if (!packed.isDone) throw packError(source, packed)
  const [pack] = packed.value as { name: string; version: string; filename: string }[]
  const { name, version, filename } = pack!
  const file = join(incoming, filename)
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 8)
  // npm refuses different content under a known name, so a digest of the content is in the name.
  const kept = join('tarballs', `${name.replace('@', '').replace('/', '-')}-${version}-${digest}.tgz`)
  mkdirSync(join(folder, 'tarballs'), { recursive: true })
  renameSync(file, join(folder, kept))
  rmSync(incoming, { recursive: true })
  return { name, version, dependency: `file:${kept}`, source }
}

async function findInRegistry(
  source: Extract<PluginSource, { kind: 'registry' }>,
  folder: string,
): Promise<FetchedPlugin> {
  const found = await npm(['view', source.spec, 'name', 'version'], { cwd: folder, allowScripts: false, isProbe: true })
  if (!found.isDone) throw npmError(source.spec, found)
  // If several versions match, npm lists the newest last.
  const newest = (Array.isArray(found.value) ? found.value.at(-1) : found.value) as
    | { name: string; version: string }
    | undefined
  if (newest === undefined) throw npmError(source.spec, { isDone: false, code: 'ETARGET', summary: '', detail: '' })
  return { name: newest.name, version: newest.version, dependency: newest.version, source }
}

/** git fails faster than npm, and with a clearer message. */
async function checkRepository({ repository, spec }: Extract<PluginSource, { kind: 'git' }>): Promise<void> {
  const options = { env: npmEnvironment(), reject: false, timeout: 20_000, stdin: 'ignore' } as const
  const result = await execa('git', ['ls-remote', '--quiet', repository, 'HEAD'], options)
  if (!result.failed) return
  if (result.code === 'ENOENT')
    throw installFailed(spec, 'git is not installed', ['install git, or use a tarball of the plugin'])
  const lines = result.stderr.split('\n').map((line) => line.trim())
  const why = result.timedOut ? 'timed out after 20 s' : (lines.find((line) => /^(fatal|ssh):/.test(line)) ?? lines[0])
  const reason = why?.replace(/\.$/, '') || 'no reason given'
  throw pluginNotFound(spec, `git cannot read ${repository} (${reason})`, [
    'check that it exists and that you have access: git ls-remote <repository>',
  ])
}

function packError(source: PluginSource, failure: NpmFailure) {
  const name = source.spec
  if (source.kind === 'git' && /git reference could not be found|could not find/i.test(failure.summary)) {
    return pluginNotFound(name, `${source.repository} has no "${source.ref}"`, [
      'name a branch, a tag or a commit after the #',
    ])
  }
  if (
    source.kind === 'tarball' &&
    /TAR_|zlib|Z_DATA|ENODATA|EBADTARBALL|Invalid tarball|ENOENT/i.test(`${failure.code} ${failure.summary}`)
  ) {
    return installFailed(name, 'it is not an npm package tarball', ['create one in the folder of the plugin: npm pack'])
  }
  return npmError(name, failure)
}
