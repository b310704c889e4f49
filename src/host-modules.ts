import { registerHooks } from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const source = extname(import.meta.filename)
const urlOf = (name: string) => pathToFileURL(join(import.meta.dirname, `${name}${source}`)).href
const own: Readonly<Record<string, string>> = {
  '@ops-cli/core': urlOf('index'),
  '@ops-cli/core/command': urlOf('command'),
}
const isDrizzle = /^drizzle-orm(?:\/|$)/

let isDone = false

/**
 * From now on whoever imports `@ops-cli/core` or `drizzle-orm` gets this program's own copy: a plugin need not bring
 * them, and two copies of Drizzle, in which columns lose their decoding, cannot meet.
 */
export function shareHostModules(): void {
  if (isDone) return
  isDone = true
  registerHooks({
    resolve(specifier, context, next) {
      const url = own[specifier]
      if (url !== undefined) return { url, shortCircuit: true }
      // Node reads Drizzle's package.json, 180 kB of it, anew for each of a hundred files; said outright, the format costs nothing.
      if (
        specifier.startsWith('.') &&
        context.parentURL?.includes('/node_modules/drizzle-orm/') &&
        specifier.endsWith('.js')
      ) {
        return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
      }
      return next(specifier, isDrizzle.test(specifier) ? { ...context, parentURL: import.meta.url } : context)
    },
  })
}
