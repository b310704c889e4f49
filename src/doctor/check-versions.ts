import type { Project } from '../project/open-project.ts'
import { type Check, passed, skipped, warned } from '../queue/check.ts'
import { OLDEST_SYSTEMD } from '../server/server-problems.ts'
import type { Manifest } from '../systemd/manifest.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import type { UnitOptions } from './check-units.ts'

/** Checks the programs that everything depends on, save for the database. */
export async function checkVersions({ version, node }: UnitOptions, manifests: readonly Manifest[]): Promise<Check[]> {
  return [ops(version, manifests), passed('node', `${process.version}, ${node}`), await systemd()]
}

function ops(version: string, manifests: readonly Manifest[]): Check {
  const other = manifests.find((manifest) => manifest.version !== version)
  if (other === undefined) return passed('ops', version)
  const message = `${version}, but the units were installed by ${other.version}`
  return warned('ops', 'UNITS_OF_OTHER_VERSION', message, 'update the units: ops install-systemd')
}

async function systemd(): Promise<Check> {
  const version = await new Systemctl('system').version()
  if (version === undefined) return skipped('systemd', 'does not answer on this machine')
  if (version >= OLDEST_SYSTEMD) return passed('systemd', String(version))
  const message = `${version}; units need ${OLDEST_SYSTEMD} or newer`
  return warned('systemd', 'SYSTEMD_TOO_OLD', message, 'run the services on a newer system')
}

/** Checks the time zone of schedules, which is often another on the server. */
export async function checkTimeZone(project: Project, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const name = 'time zone'
  const machine = Intl.DateTimeFormat().resolvedOptions().timeZone
  const configured = project.config.worker?.env?.TZ
  const schedules = await project.schedules()
  const zoneless = schedules.filter(({ cron }) => cron.options.timezone === undefined).map((one) => one.name)
  if (zoneless.length > 0 && env.TZ !== undefined && configured === undefined) {
    const message = `${machine} comes from TZ in this shell, which units do not have: ${zoneless.join(', ')} would run by another time zone`
    return [warned(name, 'TIME_ZONE_OF_SHELL', message, 'set timeZone of each schedule, or TZ in env of the worker')]
  }
  const others = schedules.flatMap((one) =>
    one.cron.options.timezone === undefined ? [] : [`${one.name} in ${one.cron.options.timezone}`],
  )
  const unused = schedules.length === 0 ? ' (not used by a schedule)' : ''
  return [passed(name, [`${configured ?? machine}${unused}`, ...others].join(', '))]
}
