import { constants } from 'node:os'
import { type Problem, toProblem } from '../errors.ts'
import { type Stop, stopOnSignals } from '../platform/stop.ts'
import { databaseCreated, databaseCreatedBy, migrateProject } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import { type Control, ControlServer } from './control-server.ts'
import { planServices } from './plan-services.ts'
import type { PlannedService } from './planned-service.ts'
import { colourEnvironment } from './service-environment.ts'
import { ServiceLogs, serviceLogFile, serviceLogsDirectory } from './service-logs.ts'
import type { ServiceReporter } from './service-reporter.ts'
import { Session } from './session.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'
import type { Watcher } from './watch-services.ts'

/** Shows services to a person or a program. */
export interface SessionReporter extends ServiceReporter {
  /** For the output of services, as the exponent of two that `getColorDepth` returns; 1 is none. */
  readonly colourDepth: number
  /** Called once when Ctrl-C is pressed. */
  interrupted(): void
  /** Writes what is still buffered. */
  close(): Promise<void>
}

interface StartOptions {
  /** The services to start; all when empty. */
  readonly names: readonly string[]
  readonly workerCommand: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Opens the reporter for the services of these names. */
  readonly openReporter: (names: readonly string[]) => Promise<SessionReporter>
  readonly onProblem: (problem: Problem) => void
}

/**
 * Migrates the database, then runs the services until they have ended or are stopped.
 *
 * @returns the exit status: 130 after Ctrl-C, 0 when every service has ended well
 * @throws the error of the first service that failed, with its exit status
 */
export async function startServices(project: Project, options: StartOptions): Promise<number> {
  const { config, directory, stateDirectory } = project
  const { names, workerCommand, env, onProblem } = options
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
  const watch = await importWatch(planned)
  for (const problem of watch?.missingPaths(planned) ?? []) onProblem(problem)
  const stop = stopOnSignals()
  try {
    const onWait = (message: string) => onProblem(warning('EARLIER_START', message))
    const session = await Session.open(stateDirectory, { onWait, abort: stop.requested })
    try {
      const { steps, errors } = await migrateProject(project)
      const created = databaseCreatedBy(steps)
      if (created !== undefined) onProblem(databaseCreated(created))
      for (const error of errors) onProblem(toProblem(error))
      // From here on only the services use the database.
      await project.close()
      await runSession(project, { planned, watch, session, stop, options })
    } finally {
      session.close()
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
  readonly watch: Awaited<ReturnType<typeof importWatch>>
  readonly session: Session
  readonly stop: Stop
  readonly options: StartOptions
}

async function runSession(
  { file, directory, stateDirectory }: Project,
  { planned, watch, session, stop, options }: SessionParts,
): Promise<void> {
  const { env, openReporter, onProblem } = options
  const shown = await openReporter(planned.map(({ name }) => name))
  const logs = new ServiceLogs(serviceLogsDirectory(stateDirectory), {
    onError: (log, error) => onProblem(warning('LOG_UNWRITABLE', `Cannot write ${log}: ${error.message}`)),
  })
  let server: ControlServer | undefined
  const reporter: ServiceReporter = {
    changed: (service, change) => shown.changed(service, change),
    output(service, text, stream) {
      logs.append(service, text)
      shown.output(service, text, stream)
    },
    stillStopping(services) {
      server?.stillStopping(services)
      shown.stillStopping(services)
    },
  }
  stop.requested.addEventListener('abort', () => stop.requested.reason === 'SIGINT' && shown.interrupted())
  const supervisorOptions: SupervisorOptions = {
    environment: {
      ...env,
      ...colourEnvironment(env, shown.colourDepth),
      // People read it here, although the worker writes to a pipe.
      OPS_LOG_FORMAT: env.OPS_LOG_FORMAT ?? 'text',
      ...(file === undefined ? {} : { OPS_CONFIG: file }),
    },
    reporter,
    isColoured: shown.colourDepth > 1,
    logFileOf: (name) => serviceLogFile(serviceLogsDirectory(stateDirectory), name),
    onGroupsChange: (groups, guardian) => session.record(groups, guardian),
    stop,
  }
  let watcher: Watcher | undefined
  try {
    const supervisor = new Supervisor(planned, supervisorOptions)
    server = openControlServer(supervisor, session.socket, onProblem)
    watcher = watch?.watchServices(planned, directory, {
      onChange: (name, path) => supervisor.requestRestart(name, `${path} changed`),
      onError: (error) => onProblem(warning('WATCH_FAILED', `Cannot watch for changes: ${error.message}`)),
    })
    await supervisor.run()
  } finally {
    await watcher?.close()
    server?.close()
    await shown.close()
    logs.close()
  }
}

function openControlServer(control: Control, socket: string, onProblem: StartOptions['onProblem']): ControlServer {
  const server = new ControlServer(control)
  server
    .listen(socket)
    .catch((error: Error) => onProblem(warning('CONTROL_SOCKET_FAILED', `ops status is unavailable: ${error.message}`)))
  return server
}

function warning(code: string, message: string): Problem {
  return { code, severity: 'warning', message, suggestions: [] }
}

/** Most projects watch nothing and need not import it. */
async function importWatch(planned: readonly PlannedService[]) {
  return planned.some((service) => service.watch.length > 0) ? import('./watch-services.ts') : undefined
}
