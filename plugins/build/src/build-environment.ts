import { homedir, userInfo } from 'node:os'
import { delimiter, dirname } from 'node:path'
import type { Settings } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The environment of a build command: what a program needs to run at all, what the settings name, and what is built;
 * ops adds what marks the run. The rest stays with the worker, the database's URL and other secrets above all: a build
 * runs code that strangers wrote.
 *
 * @param parent the worker's own environment
 */
export function buildEnvironment(
  parent: Environment,
  settings: Pick<Settings, 'env' | 'passEnv'>,
  build: { readonly revision: string; readonly ref: string; readonly number: number },
): Record<string, string> {
  return {
    ...baseEnvironment(parent),
    CI: 'true',
    ...named(parent, settings),
    BUILD_REVISION: build.revision,
    BUILD_REF: build.ref,
    BUILD_NUMBER: String(build.number),
  }
}

/** What any program may expect. */
export function baseEnvironment(parent: Environment): Record<string, string> {
  const localeNames = Object.keys(parent).filter((name) => name.startsWith('LC_'))
  return {
    // Under systemd these two may be missing.
    HOME: homedir(),
    USER: userInfo().username,
    ...pick(parent, ['HOME', 'USER', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', ...localeNames]),
    PATH: pathWithNode(parent.PATH ?? '/usr/local/bin:/usr/bin:/bin'),
  }
}

/** What the settings add: values they hold, and variables of the worker they name. */
export function named(
  parent: Environment,
  { env, passEnv }: Pick<Settings, 'env' | 'passEnv'>,
): Record<string, string> {
  return { ...pick(parent, passEnv), ...env }
}

export function pick(parent: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (parent[name] === undefined ? [] : [[name, parent[name]]])))
}

/** A unit starts node by its absolute path: then npm, which lies beside it, is in no PATH. */
function pathWithNode(path: string): string {
  const folder = dirname(process.execPath)
  return path.split(delimiter).includes(folder) ? path : `${path}${delimiter}${folder}`
}
