import type { Control } from '../services/control.ts'
import { ControlServer } from '../services/control-server.ts'
import { planServices } from '../services/plan-services.ts'
import type { PlannedService } from '../services/planned-service.ts'
import { runServices } from '../services/run-services.ts'
import { colourEnvironment } from '../services/service-environment.ts'
import { ServiceLogs, serviceLogFile, serviceLogsDirectory } from '../services/service-logs.ts'
import type { ServiceReport } from '../services/service-report.ts'
import { Session } from '../services/session.ts'
import { listenForStop, type StopRequests } from '../services/stop-requests.ts'
import type { Watching } from '../services/watch-services.ts'
import { colourDepth } from '../terminal/colour-depth.ts'
import { jsonReport } from '../terminal/json-report.ts'
import { type ScreenReport, servicesReport } from '../terminal/services-report.ts'
import { migrateProject } from './migrate-project.ts'
import type { Project } from './open-project.ts'

interface StartOptions {
  /** The services that were asked for; all of them where it is empty. */
  readonly names: readonly string[]
  readonly workerCommand: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly out: NodeJS.WriteStream
  readonly isJson: boolean
  /** Whether lines begin with the time. */
  readonly isTimed: boolean
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
  const requests = listenForStop()
  try {
    const session = await Session.begin(stateDirectory, warn, requests.stop)
    try {
      const { errors } = await migrateProject(project)
      for (const error of errors) warn(error.message)
      // From here on the database belongs to the services.
      await project.close()
      await runSession(project, { planned, watch, session, requests, options })
    } finally {
      session.end()
    }
  } catch (error) {
    if (!requests.stop.aborted || (error as Error).name !== 'AbortError') throw error
  } finally {
    requests.dispose()
  }
  return requests.exitStatus() ?? 0
}

interface SessionParts {
  readonly planned: readonly PlannedService[]
  readonly watch: Awaited<ReturnType<typeof watcher>>
  readonly session: Session
  readonly requests: StopRequests
  readonly options: StartOptions
}

async function runSession(
  { file, directory, stateDirectory }: Project,
  { planned, watch, session, requests, options }: SessionParts,
): Promise<void> {
  const { env, out, warn } = options
  const depth = options.isJson ? 1 : colourDepth(out, env)
  const screen = options.isJson ? undefined : await screenReport(planned, depth > 1, options)
  const shown = screen ?? jsonReport((text) => out.write(text))
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
  // The terminal has just shown ^C at the start of a line.
  requests.stop.addEventListener('abort', () => requests.stop.reason === 'SIGINT' && out.isTTY && out.write('\n'))
  const surroundings = {
    environment: {
      ...env,
      ...colourEnvironment(env, depth),
      // Read by people here, although the worker writes into a pipe.
      OPS_LOG_FORMAT: env.OPS_LOG_FORMAT ?? 'text',
      ...(file === undefined ? {} : { OPS_CONFIG: file }),
    },
    report,
    isColoured: depth > 1,
    logOf: (name: string) => serviceLogFile(serviceLogsDirectory(stateDirectory), name),
    record: session.record.bind(session),
    stop: requests.stop,
    force: requests.force,
  }
  try {
    await runServices(planned, surroundings, attend)
  } finally {
    await watching?.close()
    server?.close()
    await screen?.close()
    logs.close()
  }
}

async function screenReport(
  planned: readonly PlannedService[],
  isColoured: boolean,
  { out, isTimed }: StartOptions,
): Promise<ScreenReport> {
  const names = planned.map(({ name }) => name)
  return servicesReport(names, {
    write: (text) => out.write(text),
    isColoured,
    isTimed,
    // Some terminals, such as those of containers, have no width; a list cut to it would be empty.
    startList: out.isTTY && out.columns > 0 ? await startList(names) : undefined,
  })
}

/** Most projects watch nothing, and then what does it is not imported. */
async function watcher(planned: readonly PlannedService[]) {
  return planned.some((service) => service.watch.length > 0) ? import('../services/watch-services.ts') : undefined
}

/** listr2 takes a while to import, and is of no use where the output is not a terminal. */
async function startList(names: readonly string[]) {
  const { StartList } = await import('../terminal/start-list.ts')
  return new StartList(names)
}
