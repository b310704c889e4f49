import { describe, expect, test } from 'vitest'
import { DeployProject } from './deploy-project.ts'

describe('a worker that is killed in the middle of a deployment', () => {
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
