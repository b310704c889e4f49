import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/task/outcome.ts'
import { applyRetryRules, backoff, type RetryRules } from '../../src/task/retry-rules.ts'

const retry = { attempts: 3, delay: 1000, factor: 2, maxDelay: 3000 }
const final: RetryRules = { retry: undefined, onCrash: 'fail', onInterrupt: 'fail' }
const again: RetryRules = { retry, onCrash: 'retry', onInterrupt: 'retry' }
const failure = (kind: Failure['kind']): Failure => ({ kind, error: 'no such host' })
const middle = 0.5

describe('a failed run', () => {
  it('is final where no retry is declared', () => {
    expect(applyRetryRules(failure('failed'), final, { attempt: 1 })).toEqual(failure('failed'))
  })

  it('is retried while attempts are left', () => {
    const after = (attempt: number) => applyRetryRules(failure('failed'), again, { attempt, random: middle }).return
    expect([1, 2, 3, 4].map(after)).toEqual([{ delay: 1000 }, { delay: 2000 }, undefined, undefined])
  })

  it('is final where the processor says that a retry would not help', () => {
    const hopeless = { ...failure('failed'), isFinal: true }
    expect(applyRetryRules(hopeless, again, { attempt: 1 })).toEqual(hopeless)
  })

  it.each(['timed_out', 'canceled', 'quarantined'] as const)('is final when it was %s', (kind) => {
    expect(applyRetryRules(failure(kind), again, { attempt: 1 })).toEqual(failure(kind))
  })
})

describe('a delay', () => {
  it('grows by the factor up to the maximum', () => {
    expect([1, 2, 3, 9].map((attempt) => backoff(retry, attempt, middle))).toEqual([1000, 2000, 3000, 3000])
  })

  it('is up to a quarter shorter or longer, at random', () => {
    expect([0, middle, 1].map((random) => backoff(retry, 1, random))).toEqual([750, 1000, 1250])
  })
})

describe('a run that a shutdown ended', () => {
  it('is retried without counting the attempt, only where the processor says so', () => {
    expect(applyRetryRules(failure('interrupted'), final, { attempt: 1 })).toEqual(failure('interrupted'))
    expect(applyRetryRules(failure('interrupted'), again, { attempt: 3 }).return).toEqual({ givesAttemptBack: true })
  })
})

describe('a run that died with its worker', () => {
  it('is retried at once where the processor says so and attempts are left', () => {
    expect(applyRetryRules(failure('crashed'), final, { attempt: 1, crashes: 0 })).toEqual(failure('crashed'))
    expect(applyRetryRules(failure('crashed'), again, { attempt: 2, crashes: 0 }).return).toEqual({})
    expect(applyRetryRules(failure('crashed'), again, { attempt: 3, crashes: 0 }).return).toBeUndefined()
    const unlimited: RetryRules = { ...again, retry: undefined }
    expect(applyRetryRules(failure('crashed'), unlimited, { attempt: 99, crashes: 1 }).return).toEqual({})
  })

  it.each([final, again])('is quarantined the third time, whatever the processor says', (rules) => {
    const { kind, error, return: back } = applyRetryRules(failure('crashed'), rules, { attempt: 1, crashes: 2 })
    expect(kind).toBe('quarantined')
    expect(error).toBe('quarantined: crashed its worker 3 times; the last error: no such host')
    expect(back).toBeUndefined()
  })
})
