import { describe, expect, test } from 'vitest'
import { DeployProject } from './deploy-project.ts'

describe('a worker that is killed in the middle of a deployment', () => {
  test('leaves a complete release current while going back from a failed one', async () => {
    const shop = new DeployProject()
    await shop.withBuild()
    shop.deploy()
    await shop.work()
    shop.unhealthy.add(2)
    shop.deploy()
    expect((await shop.workUntil('deploy.put back')).signal).toBe('SIGKILL')
    expect({ current: shop.current, isComplete: shop.isCurrentComplete }).toEqual({ current: 1, isComplete: true })
  })
})
