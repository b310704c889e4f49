import { describe, expect, it } from 'vitest'
import { dueTick, nextTick, parseCron } from '../../src/worker/schedule.ts'

const at = (text: string) => new Date(text)
const nightly = parseCron('0 3 * * *', 'Europe/Berlin')
const once = { cron: nightly, missed: 'run_once' } as const
const skip = { cron: nightly, missed: 'skip' } as const

describe('the tick that is due', () => {
  it('is none before its time', () => {
    expect(dueTick(once, at('2030-01-01T02:00:00Z'), at('2030-01-02T01:59:59Z'))).toBeUndefined()
  })

  it('is due at its millisecond', () => {
    const tick = at('2030-01-02T02:00:00Z')
    expect(dueTick(once, at('2030-01-01T02:00:00Z'), tick)).toEqual({ at: tick, isRun: true })
  })

  it('is handled once', () => {
    expect(dueTick(once, at('2030-01-02T02:00:00Z'), at('2030-01-02T02:00:05Z'))).toBeUndefined()
  })

  it('is the last missed one, run or skipped as configured', () => {
    const [since, now] = [at('2030-01-01T02:00:00Z'), at('2030-01-09T12:00:00Z')]
    const last = at('2030-01-09T02:00:00Z')
    expect(dueTick(once, since, now)).toEqual({ at: last, isRun: true })
    expect(dueTick(skip, since, now)).toEqual({ at: last, isRun: false })
  })

  it('is not missed when a worker is a little late', () => {
    const since = at('2030-01-01T02:00:00Z')
    expect(dueTick(skip, since, at('2030-01-02T02:00:59Z'))).toMatchObject({ isRun: true })
    expect(dueTick(skip, since, at('2030-01-02T02:01:00Z'))).toMatchObject({ isRun: false })
  })

  it('is none when the clock was set back', () => {
    expect(dueTick(once, at('2030-01-02T02:00:00Z'), at('2030-01-01T12:00:00Z'))).toBeUndefined()
  })
})

describe('a time zone', () => {
  it('decides when a tick is, in summer and in winter', () => {
    expect(nextTick(once, at('2030-01-01T12:00:00Z'))).toEqual(at('2030-01-02T02:00:00Z'))
    expect(nextTick(once, at('2030-07-01T12:00:00Z'))).toEqual(at('2030-07-02T01:00:00Z'))
  })

  it('runs ticks in the skipped hour of a clock change, and once those in the repeated hour', () => {
    const half = parseCron('30 2 * * *', 'Europe/Berlin')
    expect(half.nextRuns(2, at('2030-03-30T12:00:00Z'))).toEqual([
      at('2030-03-31T01:00:00Z'),
      at('2030-04-01T00:30:00Z'),
    ])
    expect(half.nextRuns(2, at('2030-10-26T12:00:00Z'))).toEqual([
      at('2030-10-27T00:30:00Z'),
      at('2030-10-28T01:30:00Z'),
    ])
  })

  it('must exist', () => {
    expect(() => parseCron('0 3 * * *', 'Europe/Berln')).toThrow(/Europe\/Berln/)
  })
})
