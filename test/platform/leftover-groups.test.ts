import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bootId, groupLedBy, groupsWithEnvironment, isSameGroup } from '../../src/platform/leftover-groups.ts'
import { isGroupEmptyWithin, signalGroup } from '../../src/platform/process-group.ts'
import { processStat } from '../../src/platform/process-stat.ts'
import { notLinux, unless } from '../support/unless.ts'

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

describe('leftover groups, by /proc', unless(notLinux), () => {
  it('knows a group again by its number and the start of its leader', async () => {
    const leader = await group('echo ready; sleep 60')
    const recorded = groupLedBy(leader)
    expect(recorded).toEqual({ id: leader, startTime: processStat(leader)!.startTime })
    expect(isSameGroup(recorded)).toBe(true)
    expect(isSameGroup({ ...recorded, startTime: recorded.startTime! - 1 })).toBe(false)
  })

  it('knows a group whose leader has gone', async () => {
    const leader = await group('echo $$; sleep 60 & sleep 0.2')
    const recorded = groupLedBy(leader)
    while (processStat(leader) && processStat(leader)!.state !== 'Z') await isGroupEmptyWithin(leader, 20)
    expect(isSameGroup(recorded)).toBe(true)
  })

  it('does not know a group that has gone', async () => {
    const leader = await group('echo ready')
    const recorded = groupLedBy(leader)
    await isGroupEmptyWithin(leader, 5000)
    expect(isSameGroup(recorded)).toBe(false)
  })

  it('finds the groups of processes by an entry of their environment, those of their own making too', async () => {
    const mark = `w-${process.pid}/7`
    const leader = await group("setsid sh -c 'echo $$; exec sleep 60' & wait", { OPS_RUN: mark })
    await group('echo ready; sleep 60', { OPS_RUN: `${mark}1` })
    const groups = groupsWithEnvironment(`OPS_RUN=${mark}`)
    expect(groups).toContain(leader)
    expect(groups).toHaveLength(2)
  })

  it('names the boot', () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/)
  })
})
