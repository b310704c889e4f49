import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { OpsError, unknownName } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import type { ControlRequest, RestartResponse, StatusResponse, StopResponse } from './control-server.ts'
import type { StillStopping } from './service-reporter.ts'
import { readSessionRecord, type SessionRecord } from './session-record.ts'

/* What other terminals do with running services. */

export interface ServicesStatus extends StatusResponse {
  readonly startedAt: string
}

/** @throws OpsError SERVICES_NOT_RUNNING */
export async function servicesStatus(project: Project): Promise<ServicesStatus> {
  const client = await connectTo(project)
  for await (const response of client.request({ do: 'status' })) {
    return { ...response, startedAt: client.record.startedAt }
  }
  throw notRunning(project)
}

type Restarted = Extract<RestartResponse, { tookMs: number }>

/**
 * Restarts services and waits until they are ready.
 *
 * @param onRestarted called for each instance, as soon as it is ready
 * @throws OpsError SERVICES_NOT_RUNNING, UNKNOWN_SERVICE; RESTART_FAILED once all others are ready
 */
export async function restartServices(
  project: Project,
  names: readonly string[],
  onRestarted: (restarted: Restarted) => void,
): Promise<Restarted[]> {
  const client = await connectTo(project)
  const restarted: Restarted[] = []
  const failures: string[] = []
  for await (const response of client.request({ do: 'restart', names })) {
    if ('unknown' in response) throw unknownName('service', response.unknown, response.known)
    if ('error' in response) failures.push(`Failed to restart "${response.name}": ${response.error}`)
    else {
      restarted.push(response)
      onRestarted(response)
    }
  }
  if (failures.length > 0) {
    throw new OpsError('RESTART_FAILED', failures.join('\n'), { suggestions: ['ops logs', 'ops status'] })
  }
  if (restarted.length === 0) throw notRunning(project)
  return restarted
}

/**
 * Stops all services and waits until none is left.
 *
 * @param options `onWait`: called repeatedly with those that are left
 * @returns undefined where none was running
 */
export async function stopServices(
  project: Project,
  { isForced, onWait }: { isForced: boolean; onWait: (services: readonly StillStopping[]) => void },
): Promise<SessionRecord | undefined> {
  const client = await ControlClient.connect(project.stateDirectory)
  if (client === undefined) return undefined
  for await (const { stillStopping } of client.request({ do: 'stop', isForced })) onWait(stillStopping)
  return client.record
}

async function connectTo(project: Project): Promise<ControlClient> {
  const client = await ControlClient.connect(project.stateDirectory)
  if (client === undefined) throw notRunning(project)
  return client
}

function notRunning({ directory }: Project): OpsError {
  return new OpsError('SERVICES_NOT_RUNNING', `No services of ${directory} are running.`, {
    suggestions: ['ops start-services'],
  })
}

type ResponseTo<Request extends ControlRequest> = Request extends { do: 'status' }
  ? StatusResponse
  : Request extends { do: 'restart' }
    ? RestartResponse
    : StopResponse

class ControlClient {
  readonly record: SessionRecord

  private constructor(record: SessionRecord) {
    this.record = record
  }

  /** Undefined where nothing answers: a killed session leaves its record behind. */
  static async connect(stateDirectory: string): Promise<ControlClient | undefined> {
    const record = readSessionRecord(stateDirectory)
    if (record === undefined) return undefined
    const connection = await openConnection(record)
    connection?.destroy()
    return connection && new ControlClient(record)
  }

  /** The responses as they arrive; none where the services have stopped meanwhile. */
  async *request<Request extends ControlRequest>(request: Request): AsyncGenerator<ResponseTo<Request>> {
    const connection = await openConnection(this.record)
    if (connection === undefined) return
    connection.write(`${JSON.stringify(request)}\n`)
    for await (const line of createInterface({ input: connection })) yield JSON.parse(line) as ResponseTo<Request>
  }
}

async function openConnection({ socket }: SessionRecord): Promise<Socket | undefined> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
  } catch {
    return undefined
  }
  // It may end at any time; then no more responses arrive.
  connection.on('error', () => {})
  return connection
}
