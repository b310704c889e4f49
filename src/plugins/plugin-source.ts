import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
import { redactUrl } from '../redact.ts'

/** Where to install a plugin from. */
export type PluginSource =
  /** A package in the registry, and the requested version or range. */
  | { readonly kind: 'registry'; readonly spec: string; readonly name: string; readonly version: string | undefined }
  /** A local tarball or folder, by its absolute path. */
  | { readonly kind: 'tarball' | 'folder'; readonly spec: string }
  /** A tarball on the web. */
  | { readonly kind: 'url'; readonly spec: string }
  /** A git repository, and a commit, tag or branch. */
  | { readonly kind: 'git'; readonly spec: string; readonly repository: string; readonly ref: string | undefined }

/**
 * Parses the argument as npm would, but a tarball or a package folder in the working directory needs no `./`.
 *
 * @throws OpsError with the code NO_PLUGIN_SOURCE
 */
export function parsePluginSource(text: string, cwd: string): PluginSource {
  // npm would get it as an argument, and write it into its files.
  if (/^(git\+)?[a-z]+:\/\//i.test(text) && redactUrl(text) !== text)
    throw invalidSource(
      redactUrl(text),
      'its address contains a password or token; use ssh, a credential helper of git, or .npmrc',
    )
  // An npm alias, which looks like an ssh address. Plugins have one name.
  if (/^[^/]*@npm:/.test(text)) throw invalidSource(text)
  const git = parseGit(text, cwd)
  if (git) return git
  if (/^https?:\/\//.test(text)) return { kind: 'url', spec: text }
  if (looksLikePath(text) || isTarball(resolve(cwd, text)) || isPackage(resolve(cwd, text)))
    return localSource(text, cwd)
  const [, owner, repository, ref] = /^([\w.-]+)\/([\w.-]+?)(?:#(.+))?$/.exec(text) ?? []
  if (owner && repository) return gitSource(`https://github.com/${owner}/${repository}.git`, ref)
  const [, name, version] = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)(?:@([^\s:/@]+))?$/i.exec(text) ?? []
  if (name === undefined || name.startsWith('-')) throw invalidSource(text)
  return { kind: 'registry', spec: text, name, version }
}

function parseGit(text: string, cwd: string): PluginSource | undefined {
  const [, address, ref] = /^(.*?)(?:#(.*))?$/s.exec(text) as unknown as [string, string, string | undefined]
  const file = /^git\+file:(?:\/\/)?(.+)$/.exec(address)?.[1]
  if (file !== undefined) return gitSource(`file://${resolve(cwd, file)}`, ref)
  const hosted = /^(github|gitlab|bitbucket):([\w.-]+\/[\w./-]+?)(?:\.git)?$/.exec(address)
  if (hosted) return gitSource(`https://${hosts[hosted[1]!]}/${hosted[2]}.git`, ref)
  if (/^git\+[a-z]+:\/\//.test(address)) return gitSource(address.slice('git+'.length), ref)
  if (/^(git|ssh):\/\//.test(address)) return gitSource(address, ref)
  const ssh = /^([\w.-]+@[\w.-]+):(?!\/\/)(.+)$/.exec(address)
  if (ssh) return gitSource(`ssh://${ssh[1]}/${ssh[2]!.replace(/^\//, '')}`, ref)
  const isRepository = /\.git$/.test(address) || /^https:\/\/(github|gitlab)\.com\/[^/]+\/[^/]+\/?$/.test(address)
  return /^https?:\/\//.test(address) && isRepository ? gitSource(address.replace(/\/$/, ''), ref) : undefined
}

const hosts: Readonly<Record<string, string>> = {
  github: 'github.com',
  gitlab: 'gitlab.com',
  bitbucket: 'bitbucket.org',
}

function gitSource(repository: string, ref: string | undefined): PluginSource {
  return { kind: 'git', spec: `git+${repository}${ref ? `#${ref}` : ''}`, repository, ref: ref || undefined }
}

function looksLikePath(text: string): boolean {
  return /^(\.{1,2}(\/|$)|\/|~\/|file:)/.test(text) || /\.(tgz|tar\.gz)$/.test(text)
}

function localSource(text: string, cwd: string): PluginSource {
  const path = text.replace(/^file:(\/\/(?=\/))?/, '').replace(/^~(?=\/)/, homedir())
  const spec = resolve(cwd, path)
  if (!existsSync(spec)) throw invalidSource(text, `${spec} does not exist`)
  if (!statSync(spec).isDirectory()) return { kind: 'tarball', spec }
  if (!isPackage(spec)) throw invalidSource(text, `${spec} has no package.json`)
  return { kind: 'folder', spec }
}

function isPackage(path: string): boolean {
  return existsSync(join(path, 'package.json'))
}

function isTarball(path: string): boolean {
  return /\.(tgz|tar\.gz)$/.test(path) && existsSync(path)
}

export function invalidSource(text: string, problem?: string): OpsError {
  return new OpsError(
    'NO_PLUGIN_SOURCE',
    problem === undefined ? `Invalid plugin source "${text}".` : `Cannot install "${text}": ${problem}.`,
    {
      exit: exitStatus.usage,
      suggestions: [
        'name a package (ops-plugin-email, ops-plugin-email@1.2.0), a tarball or folder (./ops-plugin-email), or a repository (git+https://…#v1, owner/repository)',
      ],
    },
  )
}

/**
 * Checks a source against `pluginsAllow` in the configuration: package names for the registry; paths (relative to the
 * project) or addresses for the rest, since a tarball can contain a package of any name. `*` matches anything.
 *
 * @param allowed undefined if the configuration has no such list
 * @throws OpsError with the code PLUGIN_NOT_ALLOWED
 */
export function checkAllowed(
  source: PluginSource,
  { allowed, directory }: { allowed: readonly string[] | undefined; directory: string },
): void {
  if (allowed === undefined) return
  const isPlain = source.kind !== 'git' && source.kind !== 'url' ? true : isPlainAddress(source.spec)
  if (isPlain && allowed.some((pattern) => isAllowed(source, pattern, directory))) return
  if (!isPlain)
    throw new OpsError(
      'PLUGIN_NOT_ALLOWED',
      `"${source.spec}" cannot be compared with "pluginsAllow": it contains ".." or an escaped part.`,
      {
        exit: exitStatus.usage,
        suggestions: ['write the address as the server knows it'],
      },
    )
  const list = allowed.length > 0 ? `it allows ${allowed.join(', ')}` : 'it is empty'
  throw new OpsError('PLUGIN_NOT_ALLOWED', `"${source.spec}" is not in "pluginsAllow" of the configuration; ${list}.`, {
    exit: exitStatus.usage,
    suggestions: ['ask the owner of the project to add it'],
  })
}

function isAllowed(source: PluginSource, pattern: string, directory: string): boolean {
  switch (source.kind) {
    case 'registry':
      return matches(source.name, pattern) || matches(source.spec, pattern)
    case 'tarball':
    case 'folder':
      return /^[./]/.test(pattern) && matches(source.spec, resolve(directory, pattern))
    case 'git':
      return matchesUrl(source.spec, pattern) || matchesUrl(`git+${source.repository}`, pattern)
    case 'url':
      return matchesUrl(source.spec, pattern)
  }
}

/** Servers and git read such parts in more than one way, so that what is compared would not be what is fetched. */
function isPlainAddress(spec: string): boolean {
  return !/\/\.{1,2}(?:[/?#]|$)|%(?:2e|2f|5c)|\\|[^:]\/\//i.test(spec)
}

/** Scheme and host in any case; a `*` in the host stays in it: not the path, the port or a user of another host. */
function matchesUrl(address: string, pattern: string): boolean {
  if (!pattern.includes('://')) return matches(address, pattern)
  const [from, wanted] = [splitUrl(address), splitUrl(pattern)]
  return matches(from.host, wanted.host) && matches(from.rest, wanted.rest)
}

function splitUrl(text: string): { host: string; rest: string } {
  const [, host = '', rest = ''] = /^([^/]*:\/\/[^/?#]*)(.*)$/s.exec(text) ?? ['', '', text]
  return { host: host.toLowerCase(), rest }
}

function matches(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(text)
}

/**
 * Checks that the lock file takes a plugin from where its list says, since npm installs from the former.
 *
 * @throws OpsError with the code PLUGIN_NOT_ALLOWED
 */
export function checkLocked(
  source: PluginSource,
  { name, address }: { readonly name: string; readonly address: string | undefined },
  allowed: readonly string[] | undefined,
): void {
  if (allowed === undefined || address === undefined) return
  const isSame =
    source.kind === 'registry'
      ? /^https?:/.test(address) && isPlainAddress(address) && address.includes(`/${name}/-/`)
      : source.kind === 'git'
        ? repositoryOf(address) === repositoryOf(source.spec)
        : source.kind !== 'url' || address === source.spec || address.startsWith('file:tarballs/')
  if (isSame) return
  throw new OpsError(
    'PLUGIN_NOT_ALLOWED',
    `The lock file takes "${name}" from "${redactUrl(address)}", but it is listed as "${source.spec}".`,
    { where: name, exit: exitStatus.usage, suggestions: [`install it again: ops plugins install ${source.spec}`] },
  )
}

/** However npm writes it: with ssh for https, with or without `.git`, with a commit. */
function repositoryOf(address: string): string {
  return address
    .replace(/^(?:git\+)?[a-z]+:\/\/(?:[^@/]*@)?/, '')
    .replace(/#.*$/, '')
    .replace(/\.git$/, '')
    .toLowerCase()
}
