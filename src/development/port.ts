import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpsError } from '../errors.ts'
import { listeningSockets, openFiles, processCommand, processIds, processVariable } from '../platform/proc.ts'
import { serviceOf } from './planned-service.ts'

/** A process that left the group of an earlier start may hold the port a moment longer. */
const PATIENCE_MS = 3000

/**
 * Waits until the port of a service is free, which it usually is at once.
 *
 * @param options `isRestart`: whether the service itself may have held the port until now
 * @throws OpsError PORT_TAKEN
 */
export async function waitForPort(
  service: string,
  port: number,
  { isRestart, signal }: { isRestart: boolean; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + (isRestart ? PATIENCE_MS : 0)
  while (await isTaken(port)) {
    if (signal.aborted) return
    if (performance.now() >= deadline) throw portTaken(service, port)
    await sleep(50)
  }
}

async function isTaken(port: number): Promise<boolean> {
  // On some systems a program on one address leaves the others free, so each is tried.
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) if (await isTakenOn(port, host)) return true
  return false
}

async function isTakenOn(port: number, host: string): Promise<boolean> {
  const server = createServer().listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
    return false
  } catch (error) {
    // No such address, or a port for root only: the service itself will report it where it matters.
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
  }
}

function portTaken(service: string, port: number): OpsError {
  const where = `services.${serviceOf(service)}.port`
  const pid = processOnPort(port)
  const other = pid === undefined ? undefined : otherService(pid)
  const holder = pid === undefined ? 'another program' : `process ${pid} (${commandOf(pid)})`
  const of = other && `, the service "${other.name}" of ${other.config}`
  const remedy = other
    ? `ops stop-services --config ${other.config}`
    : pid === undefined
      ? `lsof -i :${port}`
      : `kill ${pid}`
  return new OpsError('PORT_TAKEN', `Cannot start "${service}": port ${port} is in use by ${holder}${of ?? ''}.`, {
    where,
    suggestions: [remedy, `set ${where} to another port`],
  })
}

function processOnPort(port: number): number | undefined {
  const sockets = new Set(listeningSockets(port))
  return sockets.size === 0 ? undefined : processIds().find((pid) => openFiles(pid).some((file) => sockets.has(file)))
}

function commandOf(pid: number): string {
  return processCommand(pid).join(' ').trim() || 'unknown'
}

/** The service that ops runs as this process, by the variables it gave it. */
function otherService(pid: number): { name: string; config: string } | undefined {
  const [name, config] = [processVariable(pid, 'OPS_SERVICE'), processVariable(pid, 'OPS_CONFIG')]
  return name === undefined || config === undefined ? undefined : { name, config }
}
