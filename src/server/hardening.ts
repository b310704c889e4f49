import type { Allow } from '../config/config.ts'
import { list, text, words } from '../systemd/directive.ts'
import type { UnitValues } from '../systemd/unit-template.ts'
import type { ServerSetup } from './server-setup.ts'

/** System calls that a capability needs and that `@privileged` and `@resources` close. */
const callsOf: Readonly<Record<string, string>> = {
  CAP_CHOWN: '@chown',
  CAP_FOWNER: '@chown',
  CAP_DAC_OVERRIDE: '@chown',
  CAP_SETUID: '@setuid',
  CAP_SETGID: '@setuid',
  CAP_SYS_NICE: '@resources',
  CAP_SYS_RESOURCE: '@resources',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_ADMIN: '@mount',
}

const isHome = (path: string) => /^\/(home|root|run\/user)(\/|$)/.test(path)

/** The values of the hardening templates, with what the configuration allows. */
export function hardening(allow: Allow, { homePaths }: ServerSetup, port: number | undefined): UnitValues {
  const capabilities = [
    ...new Set([...(allow.capabilities ?? []), ...(port !== undefined && port < 1024 ? ['CAP_NET_BIND_SERVICE'] : [])]),
  ]
  const writePaths = allow.writePaths ?? []
  const homeWritePaths = writePaths.filter(isHome)
  const calls = [...new Set(capabilities.flatMap((capability) => callsOf[capability] ?? []))]
  const showsHome = homePaths.length > 0 || homeWritePaths.length > 0
  return {
    // An empty value removes all capabilities.
    capabilities: capabilities.length === 0 ? text('') : words(...capabilities),
    // A capability inside a user namespace has no effect outside.
    privateUsers: words(capabilities.length === 0 ? 'yes' : 'no'),
    // With "-" the unit starts even if the folder does not exist yet.
    writePaths: someList(writePaths.filter((path) => !isHome(path)).map((path) => `-${path}`)),
    protectHome: words(showsHome ? 'tmpfs' : 'yes'),
    boundPaths: someList(homePaths),
    boundWritePaths: someList(homeWritePaths.map((path) => `-${path}`)),
    systemCalls: calls.length === 0 ? undefined : words(...calls),
  }
}

function someList(paths: readonly string[]) {
  return paths.length === 0 ? undefined : list(paths)
}
