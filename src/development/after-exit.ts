import { exitStatus } from '../errors.ts'
import type { PlannedService } from './planned-service.ts'

/** How the first process of a service ended. */
export interface Exit {
  /** 128 and the signal's number where a signal ended it, as shells do. */
  readonly status: number
  readonly signal: NodeJS.Signals | undefined
}

export type AfterExit =
  | { readonly next: 'ended' }
  | { readonly next: 'failed' }
  | { readonly next: 'restart'; readonly delayMs: number }

/** A service that has lived for so long has begun its work, also where nothing asks whether it is ready. */
export const settledMs = 1000
/** After so long a life, the next failure is a new story: the backoff starts again. */
export const forgivenMs = 30_000
const quickFailures = 3
/** None of them lived for half a minute. */
const mostFailures = 10
const longestDelayMs = 30_000

/** What becomes of a service that has ended without being asked to. */
export function afterExit(
  { oneshot, probe, restart }: Pick<PlannedService, 'oneshot' | 'probe' | 'restart'>,
  { status }: Pick<Exit, 'status'>,
  /** `failures` in a row, without this one. */
  { hasBeenUp, failures }: { readonly hasBeenUp: boolean; readonly failures: number },
): AfterExit {
  const endedBeforeReady = !oneshot && probe !== undefined && !hasBeenUp
  const hasFailed = status !== 0 || endedBeforeReady
  // What is wrong with its configuration is wrong the next time too; its unit on a server says the same.
  if (status === exitStatus.configuration) return { next: 'failed' }
  if (restart === 'never' || (restart === 'on-failure' && !hasFailed)) {
    return { next: hasFailed ? 'failed' : 'ended' }
  }
  // A mistake in the start itself is told at once, not tried for ever; without a probe, three quick ends tell it.
  const most = hasBeenUp ? mostFailures : quickFailures
  if (endedBeforeReady || failures + 1 >= most) return { next: 'failed' }
  return { next: 'restart', delayMs: Math.min(1000 * 2 ** failures, longestDelayMs) }
}

export function exitInWords({ status, signal }: Exit): string {
  return signal === undefined ? `ended with status ${status}` : `was ended by ${signal}`
}
