import { existsSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import picomatch from 'picomatch'
import { type PlannedService, serviceOf } from './planned-service.ts'

/** Editors and tools write a file more than once, and several files at a time. */
const quietMs = 100

/** What programs write by themselves. */
const unwatched = new Set(['node_modules', '.git', '.ops'])

/** What is watched and not there, with the field that names it; perhaps it comes yet. */
export function missingWatched(planned: readonly PlannedService[]): { field: string; path: string }[] {
  return planned.flatMap(({ name, watch: patterns }) =>
    patterns
      .map((pattern) => picomatch.scan(pattern))
      .map(({ isGlob, base, input }) => (isGlob ? base : input))
      .filter((path) => !existsSync(path))
      .map((path) => ({ field: `services.${serviceOf(name)}.watch`, path })),
  )
}

export interface Watching {
  close(): Promise<void>
}

/**
 * Calls back when what a service watches has changed, with a path that has.
 *
 * @param directory paths are told relative to it
 * @param onError called when there are too many files to watch, say
 */
export function watchServices(
  planned: readonly PlannedService[],
  directory: string,
  { onChange, onError }: { onChange: (name: string, path: string) => void; onError: (error: Error) => void },
): Watching {
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
  // What is named as it is holds with all that is in it.
  const whole = patterns.filter((_, index) => !scanned[index]!.isGlob)
  const isInGlobs = globs.length === 0 ? () => false : picomatch(globs, { dot: true })
  const isWanted = (path: string) => whole.some((one) => path === one || path.startsWith(`${one}/`)) || isInGlobs(path)

  const watcher = watch(
    scanned.map(({ base, input, isGlob }) => (isGlob ? base : input)),
    { ignored: (path) => unwatched.has(basename(path)), ignoreInitial: true },
  )
  let timer: NodeJS.Timeout | undefined
  watcher.on('all', (event, path) => {
    if (event === 'addDir' || event === 'unlinkDir' || !isWanted(path)) return
    clearTimeout(timer)
    timer = setTimeout(() => onChange(path), quietMs)
  })
  watcher.on('error', (error) => onError(error as Error))
  return watcher
}
