import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { isGroupEmpty } from '../../src/processes/process-group.ts'
import { endGroup } from '../../src/services/end-group.ts'

const manners = { stopSignal: 'SIGTERM', stopTimeoutMs: 60_000, yieldsWhenAskedTwice: true } as const

/** A group of its own whose first process does this with its signals. */
async function group(script: string): Promise<{ pid: number; signals: () => Promise<number> }> {
  const program = spawn(process.execPath, ['--eval', `${script}; setInterval(() => {}, 1000); console.log('up')`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  program.stdout.on('data', (text) => {
    output += text
  })
  await once(program.stdout, 'data')
  const closed = once(program.stdout, 'close')
  return {
    pid: program.pid!,
    async signals() {
      await closed
      return output.match(/TERM/g)?.length ?? 0
    },
  }
}

describe('a worker that is forced', () => {
  it('is asked a second time, so that it can end its tasks itself', async () => {
    const { pid, signals } = await group(`let asked = 0; process.on('SIGTERM', () => {
      console.log('TERM'); if (++asked === 2) process.exit() })`)
    const force = new AbortController()
    setTimeout(() => force.abort(), 100)
    expect(await endGroup(pid, manners, force.signal)).toBe('ended')
    expect(await signals()).toBe(2)
  })
})

describe('a group', () => {
  it('that has gone already needs no signal', async () => {
    const { pid } = await group('')
    process.kill(-pid, 'SIGKILL')
    while (!isGroupEmpty(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await endGroup(pid, manners, new AbortController().signal)).toBe('ended')
  })
})
