import { type TaskContext, TaskError } from '@ops-cli/core'
import { cleanUp, type Environment, isHeld } from './environment.ts'
import { failpoint } from './failpoint.ts'
import { checkHealth } from './health-check.ts'
import type { Release } from './releases.ts'
import type { Settings } from './settings.ts'
import { TargetError } from './target.ts'

export type ReleaseToActivate = Pick<Release, 'number' | 'info'>

/**
 * Makes a complete release the current one and checks it. If it fails, the release that was current before becomes
 * current again.
 *
 * @param before the release that is current now
 * @throws TaskError that says which release is current then
 */
export async function activate(
  release: ReleaseToActivate,
  before: ReleaseToActivate | undefined,
  environment: Environment,
  context: TaskContext<Settings>,
): Promise<void> {
  const { signal, progress, log } = context
  const { number, info } = release
  const { after, health } = environment.settings
  progress(0.6, `switching ${environment.name} to release ${number}`)
  // Starting a program checks that the run is still held; here the time between is the shortest.
  signal.throwIfAborted()
  let isSwitched = false
  try {
    await environment.target.switch(number)
    isSwitched = true
    log(`release ${number} is current in ${environment.target.name}`)
    failpoint('switched')
    if (after.length > 0) progress(0.7, 'running the commands after the switch')
    await environment.run(after, String(number), info)
    failpoint('activated')
    if (health) {
      progress(0.8, 'waiting until it is healthy')
      await checkHealth(health, { signal, log, run: (command) => environment.run([command], String(number), info) })
    }
    failpoint('checked')
    await environment.target.markSucceeded(number, new Date())
    failpoint('succeeded')
  } catch (cause) {
    const error = cause as Error
    // Nothing was switched: the run was superseded, or the release is gone.
    if (!isSwitched && error instanceof TargetError && error.isRefusal) throw error
    if (!isHeld(signal)) throw error
    log(`release ${number} failed: ${error.message}`)
    // One that was canceled or timed out may be good.
    const fault = signal.aborted ? undefined : error.message
    if (fault !== undefined)
      progress(0.9, before ? `going back to release ${before.number}` : 'removing the current release')
    const state = await cleanUp(environment, context, (last) => goBack(release, before, fault, last))
    log(state)
    throw new TaskError(`release ${number} failed: ${error.message}; ${state}`, { cause })
  }
}

/**
 * @param fault what was wrong with the release, if anything
 * @returns which release is current, as a sentence
 */
async function goBack(
  from: ReleaseToActivate,
  to: ReleaseToActivate | undefined,
  fault: string | undefined,
  environment: Environment,
): Promise<string> {
  try {
    await environment.target.switch(to?.number)
  } catch (error) {
    return `release ${from.number} is still current: ${(error as Error).message}`
  }
  failpoint('put back')
  // The switch is what counts; go on even if this cannot be recorded.
  if (fault !== undefined) await environment.target.markWithdrawn(from.number, fault).catch(() => {})
  if (to === undefined) return 'no release is current, because it was the first'
  try {
    await environment.run(environment.settings.after, String(to.number), to.info)
  } catch (error) {
    return `release ${to.number} is current again, but ${(error as Error).message}`
  }
  return `release ${to.number} is current again`
}
