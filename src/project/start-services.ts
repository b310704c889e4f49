import { planServices } from '../services/plan-services.ts'
import { runServices } from '../services/run-services.ts'
import { colourEnvironment } from '../services/service-environment.ts'
import { listenForStop } from '../services/stop-requests.ts'
import { requireWatched } from '../services/watched-paths.ts'
import { colourDepth } from '../terminal/colour-depth.ts'
import { servicesReport } from '../terminal/services-report.ts'
import { migrateProject } from './migrate-project.ts'
import type { Project } from './open-project.ts'

interface StartOptions {
  /** The services that were asked for; all of them where it is empty. */
  readonly names: readonly string[]
  readonly workerCommand: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly out: NodeJS.WriteStream
  readonly warn: (text: string) => void
}

/**
 * Migrates the database, then runs the services until they have ended or are stopped.
 *
 * @returns the exit status: 130 after Ctrl-C, 0 when every service has ended well
 * @throws OpsError of the first service that failed, with its status
 */
export async function startServices(project: Project, options: StartOptions): Promise<number> {
  const { names, workerCommand, env, out, warn } = options
  const { config, directory, file } = project
  const planned = planServices({
    config,
    directory,
    worker: { command: workerCommand, writesEvents: env.OPS_LOG_FORMAT !== 'json' },
    names,
  })
  requireWatched(planned)
  const requests = listenForStop()
  const { errors } = await migrateProject(project)
  for (const error of errors) warn(error.message)
  // From here on the database belongs to the services.
  await project.close()

  const depth = colourDepth(out, env)
  const report = servicesReport(
    planned.map(({ name }) => name),
    {
      write: (text) => out.write(text),
      isColoured: depth > 1,
      // Some terminals, such as those of containers, have no width; a list cut to it would be empty.
      startList: out.isTTY && out.columns > 0 ? await startList(planned.map(({ name }) => name)) : undefined,
    },
  )
  // The terminal has just shown ^C at the start of a line.
  requests.stop.addEventListener('abort', () => requests.stop.reason === 'SIGINT' && out.isTTY && out.write('\n'))
  try {
    await runServices(planned, {
      environment: {
        ...env,
        ...colourEnvironment(env, depth),
        // Read by people here, although the worker writes into a pipe.
        OPS_LOG_FORMAT: env.OPS_LOG_FORMAT ?? 'text',
        ...(file === undefined ? {} : { OPS_CONFIG: file }),
      },
      report,
      stop: requests.stop,
      force: requests.force,
    })
  } finally {
    await report.close()
    requests.dispose()
  }
  return requests.exitStatus() ?? 0
}

/** listr2 takes a while to import, and is of no use where the output is not a terminal. */
async function startList(names: readonly string[]) {
  const { StartList } = await import('../terminal/start-list.ts')
  return new StartList(names)
}
