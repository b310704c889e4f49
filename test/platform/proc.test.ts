import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  bootId,
  listeningSockets,
  openFiles,
  processCommand,
  processIds,
  processName,
  processStat,
  processVariable,
} from '../../src/platform/proc.ts'
import { signalGroup } from '../../src/platform/process-group.ts'
import { notLinux, unless } from '../support/unless.ts'

/** A shell, once it has written something. */
async function shell(script: string, env: Record<string, string> = {}): Promise<number> {
  const child = spawn('sh', ['-c', script], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => signalGroup(child.pid!, 'SIGKILL'))
  await once(child.stdout, 'data')
  return child.pid!
}

describe('/proc', unless(notLinux), () => {
  it('tells what a process is and was started with', async () => {
    const pid = await shell('echo ready; sleep 60', { MARK: 'a=b' })
    expect(processIds()).toContain(pid)
    expect(processStat(pid)).toMatchObject({ parent: process.pid, group: pid })
    expect(processCommand(pid)).toEqual(['sh', '-c', 'echo ready; sleep 60'])
    expect(processName(pid)).toBe('sh')
    expect(processVariable(pid, 'MARK')).toBe('a=b')
    expect(processVariable(pid, 'MAR')).toBeUndefined()
  })

  it('tells which process listens on a port', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const [socket] = listeningSockets((server.address() as AddressInfo).port)
    expect(openFiles(process.pid)).toContain(socket)
  })

  it('tells nothing about a process that does not exist', () => {
    const pid = 2 ** 22 + 1
    expect(processStat(pid)).toBeUndefined()
    expect(processVariable(pid, 'PATH')).toBeUndefined()
    expect([processCommand(pid), openFiles(pid)]).toEqual([[], []])
  })

  it('identifies the boot', () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/)
  })
})
