import { constants } from 'node:os'
import { type Stop, stopOnSignals } from '../platform/stop.ts'
import { migrateProject } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import type { Control } from './control.ts'
import { ControlServer } from './control-server.ts'
import { planServices } from './plan-services.ts'
import type { PlannedService } from './planned-service.ts'
import { runServices } from './run-services.ts'
import { colourEnvironment } from './service-environment.ts'
import { ServiceLogs, serviceLogFile, serviceLogsDirectory } from './service-logs.ts'
import type { ServiceReport } from './service-report.ts'
import { Session } from './session.ts'
import type { Watching } from './watch-services.ts'

/** Shows services to a person, or to a program. */
export interface ShownReport extends ServiceReport {
  /** Of services, as the exponent of two that `getColorDepth` returns; 1 is none. */
  readonly colourDepth: number
  /** Called once when Ctrl-C was pressed. */
  interrupted(): void
  /** Writes what has been held back, when nothing more comes. */
  close(): Promise<void>
}

interface StartOptions {
  /** The services that were asked for; all of them where it is empty. */
  readonly names: readonly string[]
  readonly workerCommand: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Opens what shows the services of these names. */
  readonly openReport: (names: readonly string[]) => Promise<ShownReport>
  readonly warn: (text: string) => void
}

/**
 * Migrates the database, then runs the services until they have ended or are stopped.
 *
 * @returns the exit status: 130 after Ctrl-C, 0 when every service has ended well
 * @throws OpsError of the first service that failed, with its status
 */
export async function startServices(project: Project, options: StartOptions): Promise<number> {
  const { config, directory, stateDirectory } = project
  const { names, workerCommand, env, warn } = options
  const planned = planServices({
    config,
    directory,
    worker: {
      command: workerCommand,
      watch: project.registry.plugins.filter(({ type }) => type === 'link').map(({ root }) => root),
      writesEvents: env.OPS_LOG_FORMAT !== 'json',
    },
    names,
  })
  const watch = await watcher(planned)
  for (const { field, path } of watch?.missingWatched(planned) ?? []) warn(`${field}: there is no ${path} yet.`)
  const stop = stopOnSignals()
  try {
    const session = await Session.begin(stateDirectory, warn, stop.requested)
    try {
      const { errors } = await migrateProject(project)
      for (const error of errors) warn(error.message)
      // From here on the database belongs to the services.
      await project.close()
      await runSession(project, { planned, watch, session, stop, options })
    } finally {
      session.end()
    }
  } catch (error) {
    if (!stop.requested.aborted || (error as Error).name !== 'AbortError') throw error
  } finally {
    stop.dispose()
  }
  return stop.requested.aborted ? 128 + constants.signals[stop.requested.reason as NodeJS.Signals] : 0
}

interface SessionParts {
  readonly planned: readonly PlannedService[]
  readonly watch: Awaited<ReturnType<typeof watcher>>
  readonly session: Session
  readonly stop: Stop
  readonly options: StartOptions
}

async function runSession(
  { file, directory, stateDirectory }: Project,
  { planned, watch, session, stop, options }: SessionParts,
): Promise<void> {
  const { env, warn } = options
  const shown = await options.openReport(planned.map(({ name }) => name))
  const logs = new ServiceLogs(serviceLogsDirectory(stateDirectory), {
    onError: (log, error) => warn(`${log} cannot be written: ${error.message}`),
  })
  let server: ControlServer | undefined
  let watching: Watching | undefined
  const attend = (control: Control) => {
    server = new ControlServer(control)
    server.listen(session.socket).catch((error: Error) => warn(`ops status will not work: ${error.message}`))
    watching = watch?.watchServices(planned, directory, {
      onChange: (name, path) => control.touch(name, `${path} has changed`),
      onError: (error) => warn(`Changes are not seen: ${error.message}`),
    })
  }
  const report: ServiceReport = {
    output(service, text, stream) {
      logs.append(service, text)
      shown.output(service, text, stream)
    },
    state: (service, state, detail) => shown.state(service, state, detail),
    stillStopping(services) {
      server?.stillStopping(services)
      shown.stillStopping(services)
    },
  }
  stop.requested.addEventListener('abort', () => stop.requested.reason === 'SIGINT' && shown.interrupted())
  const surroundings = {
    environment: {
      ...env,
      ...colourEnvironment(env, shown.colourDepth),
      // Read by people here, although the worker writes into a pipe.
      OPS_LOG_FORMAT: env.OPS_LOG_FORMAT ?? 'text',
      ...(file === undefined ? {} : { OPS_CONFIG: file }),
    },
    report,
    isColoured: shown.colourDepth > 1,
    logOf: (name: string) => serviceLogFile(serviceLogsDirectory(stateDirectory), name),
    record: session.record.bind(session),
    stop: stop.requested,
    force: stop.forced,
  }
  try {
    await runServices(planned, surroundings, attend)
  } finally {
    await watching?.close()
    server?.close()
    await shown.close()
    logs.close()
  }
}

/** Most projects watch nothing, and then what does it is not imported. */
async function watcher(planned: readonly PlannedService[]) {
  return planned.some((service) => service.watch.length > 0) ? import('./watch-services.ts') : undefined
}
