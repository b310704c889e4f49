import type { Project } from '../project/open-project.ts'
import { ControlClient } from './control-client.ts'
import type { RestartAnswer, StatusAnswer } from './control-protocol.ts'
import { RestartFailedError, ServicesDoNotRunError, UnknownServiceError } from './service-errors.ts'
import type { StillStopping } from './service-report.ts'
import type { SessionRecord } from './session-record.ts'

export interface ServicesStatus extends StatusAnswer {
  readonly startedAt: string
}

/** @throws ServicesDoNotRunError */
export async function servicesStatus(project: Project): Promise<ServicesStatus> {
  const client = await running(project)
  for await (const answer of client.ask({ do: 'status' })) return { ...answer, startedAt: client.record.startedAt }
  throw new ServicesDoNotRunError(project.directory)
}

type Restarted = Extract<RestartAnswer, { tookMs: number }>

/**
 * Starts services anew, and waits until they are ready.
 *
 * @param onDone told of each instance, as soon as it is there
 * @throws ServicesDoNotRunError, UnknownServiceError; RestartFailedError when all others are there
 */
export async function restartServices(
  project: Project,
  names: readonly string[],
  onDone: (restarted: Restarted) => void,
): Promise<Restarted[]> {
  const client = await running(project)
  const restarted: Restarted[] = []
  const failed: Extract<RestartAnswer, { error: string }>[] = []
  for await (const answer of client.ask({ do: 'restart', names })) {
    if ('unknown' in answer) throw new UnknownServiceError(answer.unknown, answer.known)
    if ('error' in answer) failed.push(answer)
    else {
      restarted.push(answer)
      onDone(answer)
    }
  }
  if (failed.length > 0) throw new RestartFailedError(failed)
  if (restarted.length === 0) throw new ServicesDoNotRunError(project.directory)
  return restarted
}

/**
 * Stops all services, and waits until none is left.
 *
 * @param onWait told again and again who is waited for
 * @returns undefined where none ran
 */
export async function stopServices(
  project: Project,
  { isForced, onWait }: { isForced: boolean; onWait: (services: readonly StillStopping[]) => void },
): Promise<SessionRecord | undefined> {
  const client = await ControlClient.find(project.stateDirectory)
  if (client === undefined) return undefined
  for await (const { stillStopping } of client.ask({ do: 'stop', isForced })) onWait(stillStopping)
  return client.record
}

async function running({ stateDirectory, directory }: Project): Promise<ControlClient> {
  const client = await ControlClient.find(stateDirectory)
  if (client === undefined) throw new ServicesDoNotRunError(directory)
  return client
}
