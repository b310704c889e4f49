import { resolve } from 'node:path'
import { PluginNotAllowedError } from './plugin-errors.ts'
import type { PluginSource } from './plugin-source.ts'

/**
 * Holds what is to be installed to the configuration's `pluginsAllow`: names of packages for what comes from the
 * registry, and paths (from the project) or addresses for the rest, since a tarball may bear any name. A `*` stands for
 * anything.
 *
 * @param allowed undefined where the configuration has no such list
 * @throws PluginNotAllowedError
 */
export function checkAllowed(
  source: PluginSource,
  { allowed, directory }: { allowed: readonly string[] | undefined; directory: string },
): void {
  if (allowed === undefined || allowed.some((pattern) => isMatch(source, pattern, directory))) return
  throw new PluginNotAllowedError(source.spec, allowed)
}

function isMatch(source: PluginSource, pattern: string, directory: string): boolean {
  switch (source.kind) {
    case 'registry':
      return matches(source.name, pattern) || matches(source.spec, pattern)
    case 'tarball':
    case 'folder':
      return /^[./]/.test(pattern) && matches(source.spec, resolve(directory, pattern))
    case 'git':
      return matches(source.spec, pattern) || matches(`git+${source.repository}`, pattern)
    case 'url':
      return matches(source.spec, pattern)
  }
}

function matches(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(text)
}
