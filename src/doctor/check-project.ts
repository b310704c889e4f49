import { InvalidConfigurationError, problemLine, toProblem } from '../errors.ts'
import type { KnownPlugins } from '../plugins/find-plugins.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed, skipped } from '../queue/check.ts'
import { unsupportedFields } from '../server/unsupported-fields.ts'
import { checkDatabase } from './check-database.ts'
import { checkHistory } from './check-history.ts'
import { checkPlugins } from './check-plugins.ts'
import { checkSchedules, checkWaiting } from './check-tasks.ts'
import { checkUnits, type UnitOptions } from './check-units.ts'
import { checkTimeZone, checkVersions } from './check-versions.ts'

export interface DoctorContext {
  /** Fails where the configuration is invalid. */
  readonly openProject: () => Promise<Project>
  readonly plugins: KnownPlugins
  readonly units: UnitOptions
  /** Whether to correct tasks, open runs and keys that contradict each other. */
  readonly fix: boolean
  /** Milliseconds for which a task may be due. */
  readonly maxWait: number
}

/** Checks everything that a project needs to work. A check that fails to run is a problem, and the others go on. */
export async function checkProject({ openProject, plugins, units, fix, maxWait }: DoctorContext): Promise<Check[]> {
  let project: Project
  try {
    project = await openProject()
  } catch (error) {
    const rest = ['database', 'plugins', 'units'].map((name) => skipped(name, 'needs a valid configuration'))
    return [failed('configuration', toProblem(error)), ...(await checkVersions(units, [])), ...rest]
  }
  const failedAs = (name: string) => (error: unknown) => [failed(name, toProblem(error))]
  const { manifests, checks: ofUnits } = await checkUnits(project, units)
  // The database file comes before all that opens it, which turns WAL mode on.
  const ofDatabase = await checkDatabase(project, { isInstalled: manifests.length > 0, fix })
  const ofPlugins = await checkPlugins(project, plugins).catch(failedAs('plugins'))
  return [
    passed('configuration', project.file ?? `none; using the defaults in ${project.directory}`),
    ...parity(project),
    ...(await checkVersions(units, manifests)),
    ...ofDatabase,
    ...(await checkHistory(project, new Date()).catch(failedAs('history'))),
    ...ofPlugins,
    ...(await checkWaiting(project, { now: new Date(), maxWait }).catch(failedAs('waiting tasks'))),
    ...(await ofSchedules(project, units.env).catch((error: unknown) => brokenSchedules(error, ofPlugins))),
    ...ofUnits,
  ]
}

async function ofSchedules(project: Project, env: NodeJS.ProcessEnv): Promise<Check[]> {
  return [...(await checkSchedules(project, new Date())), ...(await checkTimeZone(project, env))]
}

/** The problems of the schedules, save for those that their plugins have already. */
function brokenSchedules(error: unknown, ofPlugins: readonly Check[]): Check[] {
  const reported = new Set(ofPlugins.map(({ found }) => found))
  const problem = toProblem(error)
  const all = error instanceof InvalidConfigurationError ? error.problems : [problem]
  const fresh = reported.has(problem.message) ? [] : all.filter(({ message }) => !reported.has(message))
  if (fresh.length === 0) return [skipped('time zone', 'needs the plugins of the schedules')]
  return fresh.map((one) => ({ ...failed('schedules', one), found: problemLine(one) }))
}

/** Checked before anything is installed, while the configuration is written. */
function parity({ config }: Project): Check[] {
  const unsupported = unsupportedFields(config)
  if (unsupported.length === 0) return [passed('parity', 'systemd supports everything that the services use')]
  return unsupported.map((problem) => {
    const check = failed('parity', {
      ...problem,
      suggestions: [...problem.suggestions, 'compare: ops doctor --parity'],
    })
    return { ...check, found: `${problem.where}: ${problem.message}` }
  })
}
