import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Workshop } from './workshop.ts'

/** In the order in which a deployment comes to them. */
const steps = [
  'begun',
  'unpacked',
  'linked',
  'prepared',
  'completed',
  'switched',
  'activated',
  'checked',
  'succeeded',
  'pruned',
]

describe('a worker that is killed in the middle of a deployment', () => {
  test('leaves a complete release current at every step, and the next deployment works', async () => {
    const shop = new Workshop()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    for (const step of steps) {
      const before = shop.current!
      const killed = shop.deploy()
      const { signal } = await shop.workUntil(`deploy.${step}`)
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' })
      const isSwitched = steps.indexOf(step) >= steps.indexOf('switched')
      expect({ step, isSwitched: shop.current !== before, isWhole: shop.isCurrentWhole }).toEqual({
        step,
        isSwitched,
        isWhole: true,
      })
      const next = shop.deploy()
      await shop.work()
      expect({ step, ...shop.task('deployments', killed) }).toMatchObject({
        step,
        status: 'failed',
        error: expect.stringMatching(/^worker .* died$/),
      })
      expect({ step, ...shop.task('deployments', next) }).toMatchObject({
        step,
        status: 'succeeded',
        release: shop.current,
      })
      expect(shop.isCurrentWhole).toBe(true)
      expect(readdirSync(shop.path('releases')).filter((name) => !/^\d+$/.test(name))).toEqual([])
    }
  })

  test('leaves a complete release current when it goes back from one that failed', async () => {
    const shop = new Workshop()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    shop.ill.add(2)
    shop.deploy()
    expect((await shop.workUntil('deploy.put back')).signal).toBe('SIGKILL')
    expect({ current: shop.current, isWhole: shop.isCurrentWhole }).toEqual({ current: 1, isWhole: true })
  })

  test('leaves a complete release current at whatever moment it is', async () => {
    const shop = new Workshop()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    for (let round = 0; round < 8; round += 1) {
      shop.deploy()
      const worker = shop.project.start('worker')
      await worker.event('started')
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 90))
      worker.kill('SIGKILL')
      await worker.exit
      expect({ round, isWhole: shop.isCurrentWhole }).toEqual({ round, isWhole: true })
    }
    const last = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', last)).toMatchObject({ status: 'succeeded', release: shop.current })
  })
})
