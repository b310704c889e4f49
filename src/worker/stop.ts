import { stopSignals } from '../platform/stop-signals.ts'

/** A stop in two steps. */
export interface Stop {
  /** Aborts first: nothing more is claimed, and the task at hand is finished. */
  readonly claiming: AbortSignal
  /** Aborts when the grace has passed or somebody insists: the task at hand is ended. */
  readonly force: AbortSignal
  /** Stops listening. */
  dispose(): void
}

/** A second signal within this time is the first one again: a terminal and a supervisor often both send it. */
const SAME_REQUEST_MS = 1000

/**
 * Makes a stop of SIGTERM, of SIGINT, and of SIGHUP, which a closed terminal sends. The only place of a worker that listens to them.
 *
 * @param grace milliseconds from the first signal to the forced end
 * @param onSignal told of each step, for the log
 */
export function stopOnSignals(
  grace: number,
  onSignal: (step: 'claiming' | 'force', signal: NodeJS.Signals) => void,
): Stop {
  const claiming = new AbortController()
  const force = new AbortController()
  let askedAt: number | undefined
  let timer: NodeJS.Timeout | undefined
  const insist = (signal: NodeJS.Signals) => {
    if (force.signal.aborted) return
    onSignal('force', signal)
    force.abort()
  }
  const listener = (signal: NodeJS.Signals) => {
    if (askedAt === undefined) {
      askedAt = performance.now()
      onSignal('claiming', signal)
      timer = setTimeout(insist, grace, signal)
      claiming.abort()
    } else if (performance.now() - askedAt > SAME_REQUEST_MS) insist(signal)
  }
  for (const signal of stopSignals) process.on(signal, listener)
  return {
    claiming: claiming.signal,
    force: force.signal,
    dispose() {
      clearTimeout(timer)
      for (const signal of stopSignals) process.off(signal, listener)
    },
  }
}
