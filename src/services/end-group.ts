import { isGroupEmpty, isGroupEmptyWithin, signalGroup } from '../processes/process-group.ts'
import type { PlannedService } from './planned-service.ts'

type Manners = Pick<PlannedService, 'stopSignal' | 'stopTimeoutMs' | 'yieldsWhenAskedTwice'>

/** A worker takes a second signal within the first second for the same one. */
const secondSignalMs = 1200
const lastWordsMs = 5000

/**
 * Ends a process group: one stop signal, then SIGKILL when its time is over or `force` aborts.
 *
 * @returns how it went
 */
export async function endGroup(group: number, manners: Manners, force: AbortSignal): Promise<'ended' | 'killed'> {
  if (isGroupEmpty(group)) return 'ended'
  const askedAt = performance.now()
  signalGroup(group, manners.stopSignal)
  if (await isGroupEmptyWithin(group, manners.stopTimeoutMs, force)) return 'ended'

  if (manners.yieldsWhenAskedTwice) {
    // The worker's tasks have groups of their own: killed, it could not end them.
    if (await isGroupEmptyWithin(group, askedAt + secondSignalMs - performance.now())) return 'ended'
    signalGroup(group, manners.stopSignal)
    if (await isGroupEmptyWithin(group, lastWordsMs)) return 'ended'
  }
  signalGroup(group, 'SIGKILL')
  await isGroupEmptyWithin(group, lastWordsMs)
  return 'killed'
}
