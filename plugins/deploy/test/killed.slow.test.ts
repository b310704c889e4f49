import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DeployProject } from './deploy-project.ts'

/** In the order of a deployment. */
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
    const shop = new DeployProject()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    for (const step of steps) {
      const before = shop.current!
      const killed = shop.deploy()
      const { signal } = await shop.workUntil(`deploy.${step}`)
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' })
      const isSwitched = steps.indexOf(step) >= steps.indexOf('switched')
      expect({ step, isSwitched: shop.current !== before, isComplete: shop.isCurrentComplete }).toEqual({
        step,
        isSwitched,
        isComplete: true,
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
      expect(shop.isCurrentComplete).toBe(true)
      expect(readdirSync(shop.path('releases')).filter((name) => !/^\d+$/.test(name))).toEqual([])
    }
  })

  test('leaves a complete release current at any moment', async () => {
    const shop = new DeployProject()
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
      expect({ round, isComplete: shop.isCurrentComplete }).toEqual({ round, isComplete: true })
    }
    const last = shop.deploy()
    await shop.work()
    expect(shop.task('deployments', last)).toMatchObject({ status: 'succeeded', release: shop.current })
  })
})
