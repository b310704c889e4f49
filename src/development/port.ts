import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { portHolder } from './port-holder.ts'
import { PortTakenError } from './service-errors.ts'

interface WantedPort {
  readonly service: string
  readonly port: number
}

/** @throws PortTakenError when other programs listen on some of the ports, on whichever address */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const taken = await Promise.all(wanted.map(async (one) => ((await isTaken(one.port)) ? [one] : [])))
  const problems = taken.flat().map(({ service, port }) => ({ service, port, holder: portHolder(port) }))
  if (problems.length > 0) throw new PortTakenError(problems)
}

/** What was started by an earlier incarnation, and has left its group, may hold the port for a moment longer. */
const patienceMs = 3000

/**
 * Waits until a port is free, which it is at once as a rule.
 *
 * @param isPatient whether it may have been this service's own until now
 * @throws PortTakenError
 */
export async function waitForPort(
  service: string,
  port: number,
  isPatient: boolean,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (isPatient && performance.now() < deadline && !signal.aborted) {
    if (!(await isTaken(port))) return
    await sleep(50)
  }
  if (!signal.aborted) await requireFreePorts([{ service, port }])
}

async function isTaken(port: number): Promise<boolean> {
  // A program on one address leaves the others free on some systems, so each is tried.
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) if (await isTakenOn(port, host)) return true
  return false
}

async function isTakenOn(port: number, host: string): Promise<boolean> {
  const server = createServer().listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
    return false
  } catch (error) {
    // No such address here, or a port for root only: the service itself will say so where it matters.
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
  }
}
