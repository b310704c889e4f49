import { describe, expect, it } from 'vitest'
import type { Probe } from '../../src/development/planned-service.ts'
import { afterExit } from '../../src/development/restart-policy.ts'

const probe: Probe = { kind: 'port', port: 80, timeoutMs: 1 }
const plain = { oneshot: false, probe: undefined, restart: 'on-failure' } as const
const probed = { ...plain, probe }
const up = { wasUp: true, failures: 0 }
const notYetUp = { wasUp: false, failures: 0 }

describe('after a service exits', () => {
  it('a failure is followed by a restart, later each time, after half a minute at most', () => {
    const delays = [0, 1, 2, 3, 4, 5, 8].map((failures) => afterExit(plain, { exitCode: 1 }, { ...up, failures }))
    expect(delays).toEqual(
      [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map((delayMs) => ({ next: 'restart', delayMs })),
    )
  })

  it.each([
    ['exits with 0', plain, 0, up, 'finish'],
    ['exits with 0 and always restarts', { ...plain, restart: 'always' }, 0, up, 'restart'],
    ['fails and never restarts', { ...plain, restart: 'never' }, 3, up, 'fail'],
    ['exits with 0 and never restarts', { ...plain, restart: 'never' }, 0, up, 'finish'],
    ['has a wrong configuration', { ...plain, restart: 'always' }, 78, up, 'fail'],
    ['fails before it was ready', probed, 3, notYetUp, 'fail'],
    ['exits with 0 before it was ready', probed, 0, notYetUp, 'fail'],
    ['fails after it was ready', probed, 3, up, 'restart'],
    ['fails at once for the first time', plain, 3, notYetUp, 'restart'],
    ['fails at once for the third time', plain, 3, { wasUp: false, failures: 2 }, 'fail'],
    ['fails for the tenth time, although it was up', probed, 3, { wasUp: true, failures: 9 }, 'fail'],
    ['is a oneshot and exits with 0', { ...plain, oneshot: true }, 0, notYetUp, 'finish'],
    ['is a oneshot and fails', { ...plain, oneshot: true, restart: 'never' }, 3, notYetUp, 'fail'],
    ['is a oneshot with restart: on-failure, and fails', { ...plain, oneshot: true }, 3, notYetUp, 'restart'],
  ] as const)('one that %s', (_, service, status, story, next) => {
    expect(afterExit(service, { exitCode: status }, story).next).toBe(next)
  })
})
