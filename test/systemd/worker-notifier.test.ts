import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { takeNotification, WorkerNotifier } from '../../src/systemd/worker-notifier.ts'

const NOON = new Date(2030, 0, 31, 12)

describe('the messages of a worker to systemd', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOON }))
  afterEach(() => void vi.useRealTimers())

  async function start() {
    const messages: string[] = []
    const notifier = new WorkerNotifier({
      notify: async (some) => void messages.push(...some),
      watchdogMs: 30_000,
      pollIntervalMs: 1000,
      onFailure: () => {},
      now: () => Date.now(),
    })
    notifier.polling()
    const sentWithin = async (milliseconds: number) => {
      messages.length = 0
      await vi.advanceTimersByTimeAsync(milliseconds)
      return [...messages]
    }
    await vi.advanceTimersByTimeAsync(0)
    return { notifier, messages, sentWithin }
  }

  it('are that it is ready, then the task that runs, once it has run for a while', async () => {
    const { notifier, messages, sentWithin } = await start()
    expect(messages).toEqual(['READY=1', 'STATUS=waiting for tasks'])
    notifier.started('build 1', undefined)
    expect(await sentWithin(1000)).toEqual(['STATUS=running build 1'])
    expect(await sentWithin(1000)).toEqual(['STATUS=running build 1 since 12:00:00'])
    notifier.ended()
    expect(await sentWithin(1000)).toEqual(['STATUS=waiting for tasks'])
  })

  it('name no short tasks, of which the second has begun at the next update', async () => {
    const { notifier, sentWithin } = await start()
    notifier.started('build 1', undefined)
    await sentWithin(1000)
    notifier.ended()
    notifier.started('build 2', undefined)
    expect(await sentWithin(1000)).toEqual(['STATUS=running short tasks'])
  })

  it('feed the watchdog while it polls or its task is within its timeout, and not after that', async () => {
    const { notifier, sentWithin } = await start()
    expect(await sentWithin(30_000)).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
    notifier.started('build 1', 120_000)
    expect(await sentWithin(180_000)).toContain('WATCHDOG=1')
    expect(await sentWithin(60_000)).not.toContain('WATCHDOG=1')
  })

  it('extend the stop until the task has finished', async () => {
    const { notifier, sentWithin } = await start()
    notifier.started('build 1', undefined)
    notifier.stopping()
    const extend = 'EXTEND_TIMEOUT_USEC=30000000'
    const sent = await sentWithin(20_000)
    expect(sent.filter((message) => message !== 'WATCHDOG=1')).toEqual([
      'STOPPING=1',
      'STATUS=finishing build 1, then stopping',
      extend,
      extend,
      extend,
    ])
    await notifier.close()
    expect(await sentWithin(60_000)).toEqual([])
  })

  it('are sent by the worker alone: its programs do not get the variables', () => {
    const env = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1', PATH: '/bin' }
    expect(takeNotification(env)?.watchdogMs).toBe(30_000)
    expect(env).toEqual({ PATH: '/bin' })
    expect(takeNotification({ PATH: '/bin' })).toBeUndefined()
  })
})
