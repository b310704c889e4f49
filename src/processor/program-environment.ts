import { homedir, userInfo } from 'node:os'
import { delimiter, dirname } from 'node:path'

const USUAL = ['HOME', 'USER', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR']

/**
 * The environment for a program that must not see the worker's secrets: `HOME`, `PATH`, the locale and the like, and the
 * variables that are named. For `exec` with `extendEnv: false`.
 */
export function programEnvironment(names: readonly string[] = []): Record<string, string> {
  const locale = Object.keys(process.env).filter((name) => name.startsWith('LC_'))
  const given = [...USUAL, ...locale, ...names].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    // systemd may leave these two unset.
    HOME: homedir(),
    USER: userInfo().username,
    ...Object.fromEntries(given),
    PATH: pathWithNode(process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'),
  }
}

/** A unit starts node by its absolute path, so PATH may not contain the folder of node, npm and npx. */
function pathWithNode(path: string): string {
  const folder = dirname(process.execPath)
  return path.split(delimiter).includes(folder) ? path : `${path}${delimiter}${folder}`
}
