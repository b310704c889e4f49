import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { NoPluginSourceError } from './plugin-errors.ts'

/** Where a plugin is to come from. */
export type PluginSource =
  /** A package of the registry, with what was asked of its version. */
  | { readonly kind: 'registry'; readonly spec: string; readonly name: string; readonly version: string | undefined }
  /** A tarball or a folder on this machine, by its absolute path. */
  | { readonly kind: 'tarball' | 'folder'; readonly spec: string }
  /** A tarball on the web. */
  | { readonly kind: 'url'; readonly spec: string }
  /** A repository, as git knows it, and the commit, tag or branch of it. */
  | { readonly kind: 'git'; readonly spec: string; readonly repository: string; readonly ref: string | undefined }

/**
 * Understands what was typed as npm would, and beyond that what is plainly there: a tarball or a folder of a plugin in
 * the working directory need no `./`.
 *
 * @throws NoPluginSourceError
 */
export function parsePluginSource(text: string, cwd: string): PluginSource {
  // An alias of npm, which looks like an address of ssh: a plugin has one name.
  if (/^[^/]*@npm:/.test(text)) throw new NoPluginSourceError(text)
  const git = parseGit(text, cwd)
  if (git) return git
  if (/^https?:\/\//.test(text)) return { kind: 'url', spec: text }
  if (looksLikePath(text) || isTarball(resolve(cwd, text)) || isPackage(resolve(cwd, text)))
    return localSource(text, cwd)
  const [, owner, repository, ref] = /^([\w.-]+)\/([\w.-]+?)(?:#(.+))?$/.exec(text) ?? []
  if (owner && repository) return gitSource(`https://github.com/${owner}/${repository}.git`, ref)
  const [, name, version] = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)(?:@([^\s:/@]+))?$/i.exec(text) ?? []
  if (name === undefined || name.startsWith('-')) throw new NoPluginSourceError(text)
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
  if (!existsSync(spec)) throw new NoPluginSourceError(text, `there is no ${spec}`)
  if (!statSync(spec).isDirectory()) return { kind: 'tarball', spec }
  if (!isPackage(spec)) throw new NoPluginSourceError(text, `${spec} has no package.json`)
  return { kind: 'folder', spec }
}

function isPackage(path: string): boolean {
  return existsSync(join(path, 'package.json'))
}

function isTarball(path: string): boolean {
  return /\.(tgz|tar\.gz)$/.test(path) && existsSync(path)
}
