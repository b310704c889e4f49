import { setTimeout as delay } from 'node:timers/promises'
import type { Claim } from '../queue.ts'

/** Until a worker tries again that could not claim because too many others were claiming. */
const SHORTEST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1000

/**
 * How many workers claim at a time. Each claim passes over the tasks that others are claiming, so with hundreds of them the
 * server would do little else.
 */
export const GATES = 16

/**
 * How many of them take a worker that comes from elsewhere than its last task: those that go on settle and claim in one
 * transaction, so they go first.
 */
const ENTRANCES = 8

/** One of the gates until the end of the transaction, if one is free. */
const gate = (of: string) => `gate as materialized (
  select exists (
    select 1 from ${of} n where pg_try_advisory_xact_lock('ops_runs'::regclass::oid::int4, n)
  ) as is_open
)`

export const GATE = gate(`generate_series(0, ${ENTRANCES - 1})`)
export const GATE_OF_NEXT = gate(`generate_series(${GATES - 1}, 0, -1)`)

/** The attempt to claim found no free gate. */
export const NO_GATE = Symbol('no gate')

/** Claims, and again after a pause as long as no gate is free. */
export async function untilThrough(
  attempt: () => Promise<Claim | typeof NO_GATE | undefined>,
  stop: AbortSignal | undefined,
): Promise<Claim | undefined> {
  for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const claim = await attempt()
    if (claim !== NO_GATE) return claim
    if (stop?.aborted) return undefined
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: stop }).catch(() => {})
  }
}
