import { parseDuration } from '../config/duration.ts'
import { developmentBackoff } from '../config/service-defaults.ts'
import { exitStatus } from '../errors.ts'
import type { PlannedService } from './planned-service.ts'
import type { Exit } from './service-reporter.ts'

/** A service without a probe is up after running this long. */
export const UP_AFTER_MS = 1000

export const RESET_AFTER_MS = parseDuration(developmentBackoff.resetAfter, 'resetAfter')
const FIRST_DELAY_MS = parseDuration(developmentBackoff.firstDelay, 'firstDelay')
const LONGEST_DELAY_MS = parseDuration(developmentBackoff.longestDelay, 'longestDelay')

export type AfterExit =
  | { readonly next: 'finish' }
  | { readonly next: 'fail' }
  | { readonly next: 'restart'; readonly delayMs: number }

/**
 * What follows when a service exits without being stopped.
 *
 * @param history `wasUp`: whether it has ever been ready; `failures`: in a row, without this one
 */
export function afterExit(
  { oneshot, probe, restart }: Pick<PlannedService, 'oneshot' | 'probe' | 'restart'>,
  { exitCode }: Pick<Exit, 'exitCode'>,
  { wasUp, failures }: { readonly wasUp: boolean; readonly failures: number },
): AfterExit {
  const exitedBeforeReady = !oneshot && probe !== undefined && !wasUp
  const hasFailed = exitCode !== 0 || exitedBeforeReady
  // A wrong configuration stays wrong; the units on a server do the same.
  if (exitCode === exitStatus.configuration) return { next: 'fail' }
  if (restart === 'never' || (restart === 'on-failure' && !hasFailed)) return { next: hasFailed ? 'fail' : 'finish' }
  // A mistake in the start itself is reported at once; without a probe, by three quick exits.
  const most = wasUp ? developmentBackoff.mostFailures : developmentBackoff.mostQuickFailures
  if (exitedBeforeReady || failures + 1 >= most) return { next: 'fail' }
  return { next: 'restart', delayMs: Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS) }
}
