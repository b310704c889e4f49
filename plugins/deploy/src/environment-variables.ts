import { homedir, userInfo } from 'node:os'
import { delimiter, dirname } from 'node:path'

/** What programs on this machine are given of the worker's environment: what they need to run, and no secrets. */
export function baseEnvironment(parent: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = ['HOME', 'USER', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR']
  const locale = Object.keys(parent).filter((name) => name.startsWith('LC_'))
  const given = [...names, ...locale].flatMap((name) => (parent[name] === undefined ? [] : [[name, parent[name]]]))
  return {
    // Under systemd these may be missing.
    HOME: homedir(),
    USER: userInfo().username,
    PATH: withNode(parent.PATH ?? '/usr/local/bin:/usr/bin:/bin'),
    ...Object.fromEntries(given),
  }
}

/** A unit starts node by its absolute path: then npm, which lies beside it, is in no PATH. */
function withNode(path: string): string {
  const folder = dirname(process.execPath)
  return path.split(delimiter).includes(folder) ? path : `${path}${delimiter}${folder}`
}
