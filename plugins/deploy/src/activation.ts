import type { TaskContext } from '@ops-cli/core'
import { ReleaseFailedError, TargetError } from './errors.ts'
import { failpoint } from './failpoint.ts'
import { checkHealth } from './health-check.ts'
import { inTheEnd, isOurs } from './last-steps.ts'
import type { Release } from './releases.ts'
import type { Settings } from './settings.ts'
import type { Site } from './site.ts'

export type ToActivate = Pick<Release, 'number' | 'about'>

/**
 * Makes a complete release the current one, and sees that it works. One that does not is left again for the release
 * that was current before.
 *
 * @param before the release that is current now
 * @throws ReleaseFailedError which says what runs now
 */
export async function activate(
  release: ToActivate,
  before: ToActivate | undefined,
  site: Site,
  context: TaskContext<Settings>,
): Promise<void> {
  const { signal, progress, log } = context
  const { number, about } = release
  const { after, health } = site.settings
  progress(0.6, `switching ${site.name} to release ${number}`)
  // Every program that was started until here has asked the database whether this run is still ours.
  signal.throwIfAborted()
  let isSwitched = false
  try {
    await site.target.switch(number)
    isSwitched = true
    log(`release ${number} is current in ${site.target.name}`)
    failpoint('switched')
    if (after.length > 0) progress(0.7, 'running the commands after the switch')
    await site.run(after, String(number), about)
    failpoint('activated')
    if (health) {
      progress(0.8, 'waiting until it is healthy')
      await checkHealth(health, { signal, log, run: (command) => site.run([command], String(number), about) })
    }
    failpoint('checked')
    await site.target.markSucceeded(number, new Date())
    failpoint('succeeded')
  } catch (error) {
    const why = error as Error
    // Nothing was switched: the run is too old, or the release is gone.
    if (!isSwitched && error instanceof TargetError && error.isRefusal) throw why
    if (!isOurs(signal)) throw why
    log(`release ${number} failed: ${why.message}`)
    // One that was canceled or timed out may be a good one.
    const blame = signal.aborted ? undefined : why.message
    if (blame !== undefined) progress(0.9, before ? `going back to release ${before.number}` : 'leaving none current')
    const now = await inTheEnd(site, context, (last) => putBack(release, before, blame, last))
    log(now)
    throw new ReleaseFailedError(number, why, now)
  }
}

/**
 * @param blame what was wrong with the release, if anything was
 * @returns what runs now
 */
async function putBack(
  from: ToActivate,
  to: ToActivate | undefined,
  blame: string | undefined,
  site: Site,
): Promise<string> {
  try {
    await site.target.switch(to?.number)
  } catch (error) {
    return `release ${from.number} is still current, since ${(error as Error).message}`
  }
  failpoint('put back')
  // What was switched counts; that this cannot be noted is no reason to stop.
  if (blame !== undefined) await site.target.markWithdrawn(from.number, blame).catch(() => {})
  if (to === undefined) return 'there was none before, so none is current'
  try {
    await site.run(site.settings.after, String(to.number), to.about)
  } catch (error) {
    return `release ${to.number} is current again, but ${(error as Error).message}`
  }
  return `release ${to.number} is current again`
}
