import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { execa } from 'execa'
import type { Probe } from './planned-service.ts'
import type { ServiceProcess } from './start-process.ts'

interface Surroundings {
  readonly output: ServiceProcess['output']
  readonly cwd: string
  readonly env: Record<string, string>
  /** Ends the wait: the time is over, the service has ended or is stopped. */
  readonly signal: AbortSignal
}

const pauseMs = 50
const answerMs = 5000

/** Waits until a probe is answered. False when `signal` aborts first. */
export async function isReady(probe: Probe, surroundings: Surroundings): Promise<boolean> {
  const { signal } = surroundings
  if (probe.kind === 'log') return hasWritten(probe.pattern, surroundings)
  while (!signal.aborted) {
    const answers = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    if (await isAnswered(probe, surroundings, answers)) return !signal.aborted
    await sleep(pauseMs)
  }
  return false
}

function isAnswered(probe: Exclude<Probe, { kind: 'log' }>, { cwd, env }: Surroundings, signal: AbortSignal) {
  if (probe.kind === 'http') return answersWell(probe.url, signal)
  if (probe.kind === 'port') return accepts(probe.port, signal)
  return succeeds(probe.command, { cwd, env, signal })
}

function hasWritten(pattern: RegExp, { output, signal }: Surroundings): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (text: string) => {
      if (
        stripVTControlCharacters(text)
          .split('\n')
          .some((line) => pattern.test(line))
      )
        end(true)
    }
    const giveUp = () => end(false)
    const end = (found: boolean) => {
      output.off('lines', look)
      signal.removeEventListener('abort', giveUp)
      resolve(found)
    }
    output.on('lines', look)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp)
  })
}

function answersWell(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    // Not fetch: it keeps connections open, which would hold up a server that closes when it is stopped.
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

async function succeeds(
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
