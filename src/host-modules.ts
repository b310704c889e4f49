import { registerHooks } from 'node:module'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const extension = extname(import.meta.filename)
const urlOf = (name: string) => pathToFileURL(join(import.meta.dirname, `${name}${extension}`)).href
const ownModules: Readonly<Record<string, string>> = {
  '@ops-cli/core': urlOf('index'),
  '@ops-cli/core/command': urlOf('command'),
}
const DRIZZLE = /^drizzle-orm(?:\/|$)/

let isShared = false

/**
 * From now on, every import of `@ops-cli/core` and `drizzle-orm` resolves to this program's own copy. Plugins do not need
 * to install them, and two copies of Drizzle, between which columns lose their decoding, are impossible.
 */
export function shareHostModules(): void {
  if (isShared) return
  isShared = true
  registerHooks({
    resolve(specifier, context, next) {
      const url = ownModules[specifier]
      if (url !== undefined) return { url, shortCircuit: true }
      // Node would parse Drizzle's package.json, 180 kB, for each of a hundred files. A given format costs nothing.
      if (
        specifier.startsWith('.') &&
        context.parentURL?.includes('/node_modules/drizzle-orm/') &&
        specifier.endsWith('.js')
      ) {
        return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
      }
      return next(specifier, DRIZZLE.test(specifier) ? { ...context, parentURL: import.meta.url } : context)
    },
  })
}
