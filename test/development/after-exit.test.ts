import { describe, expect, it } from 'vitest'
import { afterExit } from '../../src/development/after-exit.ts'
import type { Probe } from '../../src/development/planned-service.ts'

const probe: Probe = { kind: 'port', port: 80, timeoutMs: 1 }
const plain = { oneshot: false, probe: undefined, restart: 'on-failure' } as const
const probed = { ...plain, probe }
const up = { hasBeenUp: true, failures: 0 }
const notYetUp = { hasBeenUp: false, failures: 0 }

describe('after a service has ended', () => {
  it('a failure is followed by a restart, later each time, at most half a minute', () => {
    const delays = [0, 1, 2, 3, 4, 5, 8].map((failures) => afterExit(plain, { status: 1 }, { ...up, failures }))
    expect(delays).toEqual(
      [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map((delayMs) => ({ next: 'restart', delayMs })),
    )
  })

  it.each([
    ['ends well', plain, 0, up, 'ended'],
    ['ends well and always restarts', { ...plain, restart: 'always' }, 0, up, 'restart'],
    ['fails and never restarts', { ...plain, restart: 'never' }, 3, up, 'failed'],
    ['ends well and never restarts', { ...plain, restart: 'never' }, 0, up, 'ended'],
    ['finds its configuration wrong', { ...plain, restart: 'always' }, 78, up, 'failed'],
    ['fails before it was ready', probed, 3, notYetUp, 'failed'],
    ['ends well before it was ready', probed, 0, notYetUp, 'failed'],
    ['fails after it was ready', probed, 3, up, 'restart'],
    ['fails at once for the first time', plain, 3, notYetUp, 'restart'],
    ['fails at once for the third time', plain, 3, { hasBeenUp: false, failures: 2 }, 'failed'],
    ['fails for the tenth time, although it was up', probed, 3, { hasBeenUp: true, failures: 9 }, 'failed'],
    ['is a oneshot and ends well', { ...plain, oneshot: true }, 0, notYetUp, 'ended'],
    ['is a oneshot and fails', { ...plain, oneshot: true, restart: 'never' }, 3, notYetUp, 'failed'],
    ['is a oneshot to be tried again, and fails', { ...plain, oneshot: true }, 3, notYetUp, 'restart'],
  ] as const)('one that %s', (_, service, status, story, next) => {
    expect(afterExit(service, { status }, story).next).toBe(next)
  })
})
