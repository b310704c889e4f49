import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { PlannedService } from './planned-service.ts'
import { WatchedMissingError } from './service-errors.ts'

/** Editors and builds write many files at once, and one file in several steps. */
const RESTS_AFTER_MS = 100

/** What programs write by themselves is no change of somebody who works on the service. */
const passedOver = /(^|\/)(node_modules|\.git|\.ops)(\/|$)/

/** The part of a pattern that is looked up, and the rule for what is below it. */
interface Watched {
  readonly base: string
  readonly matches: (path: string) => boolean
}

/** @throws WatchedMissingError with every path of every service that does not exist */
export function requireWatched(services: readonly PlannedService[]): void {
  const missing = services.flatMap(({ name, watch: paths }) =>
    paths.map(watched).flatMap(({ base }) => (isThere(base) ? [] : [{ service: name, path: base }])),
  )
  if (missing.length > 0) throw new WatchedMissingError(missing)
}

/**
 * Watches what services name, until it is closed.
 *
 * @param onChange told once when the changes of a service have come to rest
 * @param onFailure told when something cannot be watched any longer
 */
export function watchPaths(
  services: readonly PlannedService[],
  onChange: (service: string) => void,
  onFailure: (service: string, error: Error) => void,
): { close(): void } {
  const resting = new Map<string, NodeJS.Timeout>()
  const changed = (name: string) => {
    clearTimeout(resting.get(name))
    resting.set(
      name,
      setTimeout(() => onChange(name), RESTS_AFTER_MS),
    )
  }
  const watchers = services.flatMap(({ name, watch: paths }) =>
    paths.map(watched).flatMap((one) => {
      try {
        return [watchOne(one, () => changed(name)).on('error', (error) => onFailure(name, error))]
      } catch (error) {
        // The system allows so many and no more.
        onFailure(name, error as Error)
        return []
      }
    }),
  )
  return {
    close() {
      for (const watcher of watchers) watcher.close()
      for (const timer of resting.values()) clearTimeout(timer)
    },
  }
}

function watchOne({ base, matches }: Watched, onChange: () => void): FSWatcher {
  const isFolder = statSync(base).isDirectory()
  // A file is watched by its folder: who replaces it leaves the watcher of the file itself with the old one.
  const folder = isFolder ? base : dirname(base)
  return watch(folder, { recursive: isFolder }, (_, file) => {
    if (file === null) return
    if (isFolder ? matches(join(folder, file)) : file === basename(base)) onChange()
  })
}

/** `src/**` and the like: `*` and `?` within a name, `**` for any folders in between. */
function watched(pattern: string): Watched {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => /[*?]/.test(part))
  if (first === -1) return { base: pattern, matches: (path) => !passedOver.test(relative(pattern, path)) }
  const base = parts.slice(0, first).join('/') || '/'
  const rule = new RegExp(`^${parts.slice(first).map(partRule).join('').replace(/\/$/, '')}$`)
  const matches = (path: string) => !passedOver.test(relative(base, path)) && rule.test(relative(base, path))
  return { base, matches }
}

function partRule(part: string, index: number, all: readonly string[]): string {
  const isLast = index === all.length - 1
  if (part === '**') return isLast ? '.*' : '(?:.*/)?'
  const rule = part
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return `${rule}/`
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
