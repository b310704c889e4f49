import { homedir, userInfo } from 'node:os'
import { delimiter, dirname } from 'node:path'
import type { Settings } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What a command sees: what any program may expect, what the settings name and hold, and what the task says; ops adds
 * what marks the run. The rest stays with the worker, the URL of the database and other secrets above all: whoever may
 * insert a row is not thereby given them.
 *
 * @param parent the worker's own environment
 */
export function environmentFor(
  own: Readonly<Record<string, string>>,
  { env, passEnv }: Pick<Settings, 'env' | 'passEnv'>,
  parent: Environment = process.env,
): Record<string, string> {
  const locale = Object.keys(parent).filter((name) => name.startsWith('LC_'))
  return {
    // Under systemd these two may be missing.
    HOME: homedir(),
    USER: userInfo().username,
    ...pick(parent, ['HOME', 'USER', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', ...locale]),
    PATH: pathWithNode(parent.PATH ?? '/usr/local/bin:/usr/bin:/bin'),
    ...pick(parent, passEnv),
    ...env,
    ...own,
  }
}

function pick(parent: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (parent[name] === undefined ? [] : [[name, parent[name]]])))
}

/** A unit starts node by its absolute path: then npx, which lies beside it, is in no PATH. */
function pathWithNode(path: string): string {
  const folder = dirname(process.execPath)
  return path.split(delimiter).includes(folder) ? path : `${path}${delimiter}${folder}`
}
