import { statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { shareHostModules } from '../../src/host-modules.ts'
import { temporaryPrefix } from './temporary-folder.ts'

// Sources run as they are, by Node itself: plugins get this program's own copy of ops, as they do when ops runs them.
shareHostModules()

const testing = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'testing', 'testing.ts')).href
const temporary = pathToFileURL(temporaryPrefix).href
const loaded: Map<string, string> = (globalThis as { loadedOfTests?: Map<string, string> }).loadedOfTests ?? new Map()

if (!('loadedOfTests' in globalThis)) {
  Object.assign(globalThis, { loadedOfTests: loaded })
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '@ops-cli/core/testing') return { url: testing, shortCircuit: true }
      const resolved = next(specifier, context)
      return resolved.url.startsWith(temporary) ? { ...resolved, url: current(resolved.url) } : resolved
    },
  })
}

/** A module that a test has changed since it was imported is imported once more, as by another process. */
function current(url: string): string {
  const { mtimeMs, size } = statSync(fileURLToPath(url))
  const state = `${mtimeMs}-${size}`
  const first = loaded.get(url)
  if (first === undefined) loaded.set(url, state)
  return first === undefined || first === state ? url : `${url}?${state}`
}
