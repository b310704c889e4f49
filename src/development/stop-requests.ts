import { constants } from 'node:os'
import { stopSignals } from '../platform/stop-signals.ts'

export interface StopRequests {
  /** Aborts at the first signal, with its name as the reason. */
  readonly stop: AbortSignal
  /** Aborts at another one, after the first second. */
  readonly force: AbortSignal
  /** The exit status that the first signal asks for: 130 after Ctrl-C. */
  readonly exitStatus: () => number | undefined
  readonly dispose: () => void
}

/** `npm` and terminals pass the same Ctrl-C on more than once, within milliseconds. */
const sameRequestMs = 1000

/** Listens for what asks this process to end. */
export function listenForStop(): StopRequests {
  const stop = new AbortController()
  const force = new AbortController()
  let askedAt = 0
  const listen = (signal: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      askedAt = performance.now()
      stop.abort(signal)
    } else if (performance.now() - askedAt >= sameRequestMs) force.abort(signal)
  }
  for (const signal of stopSignals) process.on(signal, listen)
  return {
    stop: stop.signal,
    force: force.signal,
    exitStatus: () =>
      stop.signal.aborted ? 128 + constants.signals[stop.signal.reason as (typeof stopSignals)[number]] : undefined,
    dispose: () => {
      for (const signal of stopSignals) process.off(signal, listen)
    },
  }
}
