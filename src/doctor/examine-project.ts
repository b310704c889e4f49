import type { KnownPlugins } from '../plugins/find-plugins.ts'
import type { Project } from '../project/open-project.ts'
import type { Finding } from '../queue/finding.ts'
import { unkeptFields } from '../server/unkept-fields.ts'
import { attempt, cannot } from './attempt.ts'
import { examineDatabase } from './examine-database.ts'
import { examinePlugins } from './examine-plugins.ts'
import { examineTimes } from './examine-times.ts'
import { examineUnits, type UnitsAsked } from './examine-units.ts'
import { examineVersions } from './examine-versions.ts'

export interface Patient {
  /** Fails where the configuration cannot be read. */
  readonly open: () => Promise<Project>
  readonly plugins: KnownPlugins
  readonly units: UnitsAsked
}

/**
 * Looks at everything that a project needs to work. What cannot be looked at says so itself, and keeps nobody from the
 * rest: whoever asks does so because something is broken.
 */
export async function examineProject({ open, plugins, units }: Patient): Promise<Finding[]> {
  let project: Project
  try {
    project = await open()
  } catch (error) {
    const rest = ['database', 'plugins', 'units'].map((name): Finding => ({ name, status: 'skipped', found: unread }))
    return [cannot('configuration', error), ...(await examineVersions(units, [])), ...rest]
  }
  const { manifests, findings: ofUnits } = await examineUnits(project, units)
  // The file itself comes first: whoever opens it otherwise turns its write-ahead log on.
  const ofDatabase = await examineDatabase(project, { isInstalled: manifests.length > 0 })
  return [
    configuration(project),
    parity(project),
    ...(await examineVersions(units, manifests)),
    ...ofDatabase,
    ...(await attempt('plugins', () => examinePlugins(project, plugins))),
    ...(await attempt('time zone', () => examineTimes(project, units.env))),
    ...ofUnits,
  ]
}

/** Also where nothing is installed yet: better known while the configuration is written. */
function parity({ config }: Project): Finding {
  const unkept = unkeptFields(config)
  if (unkept.length === 0) return { name: 'parity', status: 'ok', found: 'a server can keep what the services ask for' }
  return { name: 'parity', status: 'problem', found: unkept.join('; '), remedy: 'see ops doctor --parity' }
}

const unread = 'the configuration comes first: it says where to look'

function configuration({ file, directory }: Project): Finding {
  const found = file ?? `none, so everything has its default; the project is ${directory}`
  return { name: 'configuration', status: 'ok', found }
}
