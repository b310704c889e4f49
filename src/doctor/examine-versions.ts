import type { Finding } from '../queue/finding.ts'
import { OLDEST_SYSTEMD } from '../server/server-problems.ts'
import type { Manifest } from '../systemd/manifest.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import type { UnitsAsked } from './examine-units.ts'

/** The programs that all depends on; the version of the database is told with it. */
export async function examineVersions(
  { version, node }: UnitsAsked,
  manifests: readonly Manifest[],
): Promise<Finding[]> {
  return [
    ops(version, manifests),
    { name: 'node', status: 'ok', found: `${process.version}, ${node}` },
    await systemd(),
  ]
}

function ops(version: string, manifests: readonly Manifest[]): Finding {
  const other = manifests.find((manifest) => manifest.version !== version)
  if (other === undefined) return { name: 'ops', status: 'ok', found: version }
  return {
    name: 'ops',
    status: 'warning',
    found: `${version}, and the units were installed by ${other.version}`,
    remedy: 'ops install-systemd',
  }
}

async function systemd(): Promise<Finding> {
  const version = await new Systemctl('system').version()
  if (version === undefined) return { name: 'systemd', status: 'skipped', found: 'none answers on this machine' }
  if (version >= OLDEST_SYSTEMD) return { name: 'systemd', status: 'ok', found: String(version) }
  return {
    name: 'systemd',
    status: 'warning',
    found: `${version}, and units need ${OLDEST_SYSTEMD}`,
    remedy: 'run the services on a newer system',
  }
}
