import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endGroups, isGroupEmpty, isGroupEmptyWithin, signalGroup } from '../../src/platform/process-group.ts'

/** A shell that leads a group, and says when it is ready. */
async function group(script: string): Promise<number> {
  const child = spawn('sh', ['-c', `${script}`], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => signalGroup(child.pid!, 'SIGKILL'))
  await once(child.stdout, 'data')
  return child.pid!
}

describe('a process group', () => {
  it('is empty only when its last process has ended, not its first', async () => {
    const leader = await group('(trap "" HUP; sleep 0.4) & echo ready')
    expect(isGroupEmpty(leader)).toBe(false)
    expect(await isGroupEmptyWithin(leader, 5000)).toBe(true)
  })

  it('is waited for no longer than is said', async () => {
    const leader = await group('echo ready; sleep 60')
    const started = performance.now()
    expect(await isGroupEmptyWithin(leader, 60)).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(await isGroupEmptyWithin(leader, 5000, AbortSignal.abort())).toBe(false)
  })

  it('is ended by SIGTERM where that is enough, so that its processes can tidy up', async () => {
    const leader = await group('trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done')
    const started = performance.now()
    await endGroups([leader], 10_000)
    expect(isGroupEmpty(leader)).toBe(true)
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('is ended by SIGKILL after the grace, several at once', async () => {
    const leaders = await Promise.all([1, 2, 3].map(() => group('trap "" TERM; echo ready; while :; do sleep 1; done')))
    const started = performance.now()
    await endGroups(leaders, 1000)
    expect(leaders.every(isGroupEmpty)).toBe(true)
    expect(performance.now() - started).toBeGreaterThanOrEqual(1000)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('may be gone already when it is signaled', async () => {
    const leader = await group('echo ready')
    await isGroupEmptyWithin(leader, 5000)
    expect(() => signalGroup(leader, 'SIGTERM')).not.toThrow()
    await endGroups([leader], 10)
  })
})
