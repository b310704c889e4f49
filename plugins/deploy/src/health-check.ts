import { setTimeout as delay } from 'node:timers/promises'
import { formatDuration, TaskError } from '@ops-cli/core'
import { ProgramError } from './runner.ts'
import type { HealthCheck } from './settings.ts'

/** The longest wait for one answer. */
const ANSWER_LIMIT_MS = 5000
const NO_ANSWER = 'no answer in time'

interface HealthCheckOptions {
  /** Runs the command of the check; rejects if it fails. */
  readonly run: (command: string) => Promise<void>
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Checks until the answer is good, or the time limit is over.
 *
 * @throws TaskError with the last answer
 */
export async function checkHealth(check: HealthCheck, { run, signal, log }: HealthCheckOptions): Promise<void> {
  const deadline = performance.now() + check.timeout
  let last = ''
  for (;;) {
    const left = deadline - performance.now()
    const complaint = await ask(
      check,
      run,
      AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(left, ANSWER_LIMIT_MS))))]),
    )
    signal.throwIfAborted()
    if (complaint === undefined) return log(`${subject(check)} is healthy`)
    // A check that was cut short by the time limit says less than the one before.
    const isCutShort = complaint === NO_ANSWER && left < ANSWER_LIMIT_MS && last !== ''
    if (complaint !== last && !isCutShort) log(`${subject(check)}: ${complaint}`)
    if (!isCutShort) last = complaint
    if (performance.now() + check.interval >= deadline)
      throw new TaskError(`${subject(check)} was not healthy within ${formatDuration(check.timeout)}: ${last}`)
    await delay(check.interval, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

function subject({ url, command }: HealthCheck): string {
  return url ?? `\`${command}\``
}

/** What is wrong; undefined if it is healthy. */
async function ask(
  { url, status, command }: HealthCheck,
  run: HealthCheckOptions['run'],
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
    // The command itself is named already.
    if (cause instanceof ProgramError) return cause.explanation
    return cause?.code === 'ECONNREFUSED' ? 'connection refused' : (cause?.message ?? message)
  }
}
