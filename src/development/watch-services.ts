import { existsSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import picomatch from 'picomatch'
import type { Problem } from '../errors.ts'
import { type PlannedService, serviceOf } from './planned-service.ts'

/** Editors and tools write a file more than once, and several files at a time. */
const QUIET_MS = 100

/** What tools write by themselves. */
const IGNORED = new Set(['node_modules', '.git', '.ops'])

/** Watched paths that do not exist yet. */
export function missingPaths(planned: readonly PlannedService[]): Problem[] {
  return planned.flatMap(({ name, watch: patterns }) =>
    patterns
      .map((pattern) => picomatch.scan(pattern))
      .map(({ isGlob, base, input }) => (isGlob ? base : input))
      .filter((path) => !existsSync(path))
      .map((path) => ({
        code: 'WATCHED_PATH_MISSING',
        severity: 'warning',
        where: `services.${serviceOf(name)}.watch`,
        message: `${path} does not exist yet.`,
        suggestions: [],
      })),
  )
}

export interface Watcher {
  close(): Promise<void>
}

/**
 * Watches the paths of services.
 *
 * @param directory changed paths are reported relative to it
 * @param options `onChange`: called with one of the changed paths; `onError`: e.g. too many files to watch
 */
export function watchServices(
  planned: readonly PlannedService[],
  directory: string,
  { onChange, onError }: { onChange: (name: string, path: string) => void; onError: (error: Error) => void },
): Watcher {
  const watched = planned.filter((service) => service.watch.length > 0)
  const watchers = watched.map(({ name, watch: patterns }) =>
    watchPatterns(patterns, { onChange: (path) => onChange(name, relative(directory, path)), onError }),
  )
  return {
    async close() {
      await Promise.all(watchers.map((watcher) => watcher.close()))
    },
  }
}

function watchPatterns(
  patterns: readonly string[],
  { onChange, onError }: { onChange: (path: string) => void; onError: (error: Error) => void },
): FSWatcher {
  const scanned = patterns.map((pattern) => picomatch.scan(pattern))
  const globs = patterns.filter((_, index) => scanned[index]!.isGlob)
  // A path without wildcards includes everything below it.
  const whole = patterns.filter((_, index) => !scanned[index]!.isGlob)
  const isInGlobs = globs.length === 0 ? () => false : picomatch(globs, { dot: true })
  const isWanted = (path: string) => whole.some((one) => path === one || path.startsWith(`${one}/`)) || isInGlobs(path)

  const watcher = watch(
    scanned.map(({ base, input, isGlob }) => (isGlob ? base : input)),
    { ignored: (path) => IGNORED.has(basename(path)), ignoreInitial: true },
  )
  let timer: NodeJS.Timeout | undefined
  watcher.on('all', (event, path) => {
    if (event === 'addDir' || event === 'unlinkDir' || !isWanted(path)) return
    clearTimeout(timer)
    timer = setTimeout(() => onChange(path), QUIET_MS)
  })
  watcher.on('error', (error) => onError(error as Error))
  return watcher
}
