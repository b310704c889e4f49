import { setTimeout as delay } from 'node:timers/promises'
import { inSeconds } from './duration.ts'
import { UnhealthyError } from './errors.ts'
import type { HealthCheck } from './settings.ts'

/** One answer is waited for no longer than this. */
const PATIENCE_MS = 5000
const NO_ANSWER = 'gave no answer in time'

interface Parts {
  /** Runs the command of the check; rejects when it fails. */
  readonly run: (command: string) => Promise<void>
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Asks until the answer is good, or the time is over.
 *
 * @throws UnhealthyError with the last answer
 */
export async function checkHealth(check: HealthCheck, { run, signal, log }: Parts): Promise<void> {
  const deadline = performance.now() + check.timeout
  let last = ''
  for (;;) {
    const left = deadline - performance.now()
    const complaint = await ask(
      check,
      run,
      AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(left, PATIENCE_MS))))]),
    )
    signal.throwIfAborted()
    if (complaint === undefined) return log(`${subject(check)} is healthy`)
    // A question that the end of the time cut short says less than the answer before it.
    const isCutShort = complaint === NO_ANSWER && left < PATIENCE_MS && last !== ''
    if (complaint !== last && !isCutShort) log(`${subject(check)}: ${complaint}`)
    if (!isCutShort) last = complaint
    if (performance.now() + check.interval >= deadline)
      throw new UnhealthyError(subject(check), inSeconds(check.timeout), last)
    await delay(check.interval, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

function subject({ url, command }: HealthCheck): string {
  return url ?? `\`${command}\``
}

/** What is wrong, or undefined. */
async function ask(
  { url, status, command }: HealthCheck,
  run: Parts['run'],
  until: AbortSignal,
): Promise<string | undefined> {
  try {
    if (url === undefined) {
      await run(command!)
      return undefined
    }
    const response = await fetch(url, { redirect: 'manual', signal: until })
    await response.body?.cancel()
    const isExpected = status === undefined ? response.status < 400 : response.status === status
    return isExpected ? undefined : `answered ${response.status}, expected ${status ?? 'a status below 400'}`
  } catch (error) {
    if (until.aborted) return NO_ANSWER
    const { message, cause } = error as Error & { cause?: { message?: string; code?: string } }
    if (command !== undefined && url === undefined) return message.replace(`\`${command}\` `, '')
    return cause?.code === 'ECONNREFUSED' ? 'nothing listens there (ECONNREFUSED)' : (cause?.message ?? message)
  }
}
