import { once } from 'node:events'
import { createServer } from 'node:net'
import { portHolder } from './port-holder.ts'
import { PortTakenError } from './service-errors.ts'

/** @throws PortTakenError when another program listens on a port, on whichever address */
export async function requireFreePort(service: string, port: number): Promise<void> {
  // A program on one address leaves the others free on some systems, so each is tried.
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) {
    if (await isTaken(port, host)) throw new PortTakenError(service, port, portHolder(port))
  }
}

async function isTaken(port: number, host: string): Promise<boolean> {
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
