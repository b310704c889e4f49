import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { execa } from 'execa'
import type { Probe } from './planned-service.ts'
import type { ServiceProcess } from './start-process.ts'

export interface ProbeContext {
  readonly output: ServiceProcess['output']
  readonly cwd: string
  readonly env: Record<string, string>
  /** Ends the wait: it timed out, or the service has exited or is stopping. */
  readonly signal: AbortSignal
}

const PAUSE_MS = 50
const RESPONSE_TIMEOUT_MS = 5000

/** Waits until a probe succeeds. False when `signal` aborts first. */
export async function isReady(probe: Probe, context: ProbeContext): Promise<boolean> {
  const { signal } = context
  if (probe.kind === 'log') return hasWritten(probe.pattern, context)
  while (!signal.aborted) {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)])
    if (await succeeds(probe, context, attempt)) return !signal.aborted
    await sleep(PAUSE_MS)
  }
  return false
}

function succeeds(probe: Exclude<Probe, { kind: 'log' }>, { cwd, env }: ProbeContext, signal: AbortSignal) {
  if (probe.kind === 'http') return responds(probe.url, signal)
  if (probe.kind === 'port') return accepts(probe.port, signal)
  return runs(probe.command, { cwd, env, signal })
}

function hasWritten(pattern: RegExp, { output, signal }: ProbeContext): Promise<boolean> {
  return new Promise((resolve) => {
    const check = (text: string) => {
      if (
        stripVTControlCharacters(text)
          .split('\n')
          .some((line) => pattern.test(line))
      )
        end(true)
    }
    const giveUp = () => end(false)
    const end = (found: boolean) => {
      output.off('lines', check)
      signal.removeEventListener('abort', giveUp)
      resolve(found)
    }
    output.on('lines', check)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp)
  })
}

function responds(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    // Not fetch: it keeps connections open, which would delay a server that closes when it is stopped.
    const { get } = url.startsWith('https:') ? https : http
    const request = get(url, { agent: false, signal, headers: { connection: 'close' } }, (response) => {
      response.resume().on('error', () => {})
      resolve((response.statusCode ?? 500) < 400)
    })
    request.on('error', () => resolve(false))
  })
}

function accepts(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost', signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function runs(
  command: string | readonly string[],
  { cwd, env, signal }: { cwd: string; env: Record<string, string>; signal: AbortSignal },
): Promise<boolean> {
  const options = { cwd, env, extendEnv: false, stdio: 'ignore', reject: false, cancelSignal: signal } as const
  const { exitCode } =
    typeof command === 'string'
      ? await execa(command, { ...options, shell: true })
      : await execa(command[0]!, command.slice(1), options)
  return exitCode === 0
}
