/**
 * The signals that ask a process to end: from a supervisor, from Ctrl-C, and from a closed terminal. (`nohup` does not
 * change the last one: Node resets it at startup, and nothing tells afterwards.)
 */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** npm, a terminal and a supervisor often all pass on the same request. */
const SAME_REQUEST_MS = 1000

/** setTimeout fires at once for anything longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A stop in two steps. */
export interface Stop {
  /** Aborts first, with the signal's name as the reason: finish what is under way and start nothing more. */
  readonly requested: AbortSignal
  /** Aborts after the grace period, or at another signal after the first second: end what is under way. */
  readonly forced: AbortSignal
  /** Stops listening. */
  dispose(): void
}

export type StopStep = 'requested' | 'forced'

/**
 * Turns the signals of this process into a stop. Nothing else listens to them.
 *
 * @param options `graceMs`: from the first signal to the forced stop, unlimited by default; `onStep`: called at each step
 */
export function stopOnSignals({
  graceMs,
  onStep = () => {},
}: {
  graceMs?: number
  onStep?: (step: StopStep, signal: NodeJS.Signals) => void
} = {}): Stop {
  const requested = new AbortController()
  const forced = new AbortController()
  let requestedAt = 0
  let timer: NodeJS.Timeout | undefined
  const force = (signal: NodeJS.Signals) => {
    if (forced.signal.aborted) return
    onStep('forced', signal)
    forced.abort(signal)
  }
  const listener = (signal: NodeJS.Signals) => {
    if (!requested.signal.aborted) {
      requestedAt = performance.now()
      onStep('requested', signal)
      if (graceMs !== undefined) timer = setTimeout(force, Math.min(graceMs, LONGEST_TIMER_MS), signal)
      requested.abort(signal)
    } else if (performance.now() - requestedAt >= SAME_REQUEST_MS) force(signal)
  }
  for (const signal of STOP_SIGNALS) process.on(signal, listener)
  return {
    requested: requested.signal,
    forced: forced.signal,
    dispose() {
      clearTimeout(timer)
      for (const signal of STOP_SIGNALS) process.off(signal, listener)
    },
  }
}
