import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bootId, processStat } from '../../src/platform/proc.ts'
import {
  endGroups,
  groupLedBy,
  groupMembers,
  groupsWithEnvironment,
  isGroupEmpty,
  isGroupEmptyWithin,
  isStillRunning,
  signalGroup,
  stillRunning,
} from '../../src/platform/process-group.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isRunning } from '../support/test-project.ts'
import { notLinux, unless } from '../support/unless.ts'
import { until } from '../support/until.ts'

/** A shell that leads a group, once it has written something. */
async function group(script: string, env: Record<string, string> = {}): Promise<number> {
  const child = spawn('sh', ['-c', script], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => signalGroup(child.pid!, 'SIGKILL'))
  await once(child.stdout, 'data')
  return child.pid!
}

describe('a process group', () => {
  it('is empty only when its last process has ended, not its first', async () => {
    const go = join(temporaryFolder(), 'go')
    const leader = await group(`(until [ -e "${go}" ]; do sleep 0.02; done) & echo ready`)
    await until(() => !isRunning(leader), 'the first process has ended')
    expect(isGroupEmpty(leader)).toBe(false)
    writeFileSync(go, '')
    expect(await isGroupEmptyWithin(leader, 60_000)).toBe(true)
  })

  it('is waited for no longer than the timeout', async () => {
    const leader = await group('echo ready; sleep 60')
    const started = performance.now()
    expect(await isGroupEmptyWithin(leader, 60)).toBe(false)
    expect(performance.now() - started).toBeLessThan(30_000)
  })

  it('is ended by SIGTERM where that is enough, so that its processes can clean up', async () => {
    const leader = await group('trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done')
    const started = performance.now()
    await endGroups([leader], 10_000)
    expect(isGroupEmpty(leader)).toBe(true)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('is ended by SIGKILL after the grace period, several at once', async () => {
    const leaders = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map(() => group('trap "" TERM; echo ready; while :; do sleep 1; done')),
    )
    const started = performance.now()
    await endGroups(leaders, 1000)
    expect(leaders.every(isGroupEmpty)).toBe(true)
    expect(performance.now() - started).toBeGreaterThanOrEqual(1000)
    expect(performance.now() - started).toBeLessThan(8000)
  })

  it('may be gone by the time it is signaled', async () => {
    const leader = await group('echo ready')
    await isGroupEmptyWithin(leader, 60_000)
    expect(() => signalGroup(leader, 'SIGTERM')).not.toThrow()
    await endGroups([leader], 10)
  })
})

describe('a recorded group', unless(notLinux), () => {
  it('is identified by its number and the start time of its leader', async () => {
    const leader = await group('echo ready; sleep 60')
    const recorded = groupLedBy(leader)
    expect(recorded).toEqual({ id: leader, startTime: processStat(leader)!.startTime })
    expect(isStillRunning(recorded)).toBe(true)
    expect(isStillRunning({ ...recorded, startTime: recorded.startTime! - 1 })).toBe(false)
    expect(stillRunning([recorded], bootId())).toEqual([recorded])
    expect(stillRunning([recorded], 'an earlier boot')).toEqual([])
  })

  it('still runs after its leader is gone', async () => {
    const leader = await group('echo $$; sleep 60 & sleep 0.2')
    const recorded = groupLedBy(leader)
    await until(() => !isRunning(leader), 'its leader has ended')
    expect(isStillRunning(recorded)).toBe(true)
    expect(groupMembers(leader)).toMatchObject([{ name: 'sleep' }])
  })

  it('no longer runs once its last process is gone', async () => {
    const leader = await group('echo ready')
    const recorded = groupLedBy(leader)
    await isGroupEmptyWithin(leader, 60_000)
    expect(isStillRunning(recorded)).toBe(false)
  })

  it('is found by an entry in the environment of its processes, even where a process left its group', async () => {
    const mark = `w-${process.pid}/7`
    const leader = await group("setsid sh -c 'echo $$; exec sleep 60' & wait", { OPS_RUN: mark })
    await group('echo ready; sleep 60', { OPS_RUN: `${mark}1` })
    const groups = groupsWithEnvironment(`OPS_RUN=${mark}`)
    expect(groups).toContain(leader)
    expect(groups).toHaveLength(2)
  })
})
