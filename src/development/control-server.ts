import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { StillStopping } from './service-reporter.ts'
import type { ServiceStatus } from './service-status.ts'

/* The protocol of the control socket: one request per connection, a JSON line; the responses are JSON lines too. */

export type ControlRequest =
  | { readonly do: 'status' }
  | { readonly do: 'restart'; readonly names: readonly string[] }
  | { readonly do: 'stop'; readonly isForced: boolean }

export interface StatusResponse {
  readonly pid: number
  readonly services: readonly ServiceStatus[]
}

/** One for each instance, as soon as it is known. */
export type RestartResponse =
  | { readonly name: string; readonly tookMs: number }
  | { readonly name: string; readonly error: string }
  /** There is no such service, so nothing was restarted. */
  | { readonly unknown: string; readonly known: readonly string[] }

/** Sent repeatedly. The connection ends when nothing is left. */
export interface StopResponse {
  readonly stillStopping: readonly StillStopping[]
}

/** What others may do with running services. */
export interface Control {
  status(): ServiceStatus[]
  /** The instances that a name means; none where it is unknown. */
  instancesOf(name: string): string[]
  /**
   * Restarts an instance and waits until it is ready, or has completed where it is a oneshot.
   *
   * @returns milliseconds
   */
  restart(name: string): Promise<number>
  /** The same without waiting, with a reason to report. */
  requestRestart(name: string, reason?: string): void
  stop(): void
  /** Stops without waiting. */
  force(): void
}

/** Answers other terminals over a socket that only this user can open. */
export class ControlServer {
  readonly #control: Control
  readonly #server: Server
  /** They requested a stop and wait for its end. */
  readonly #waiting = new Set<Socket>()
  readonly #connections = new Set<Socket>()

  constructor(control: Control) {
    this.#control = control
    this.#server = createServer((connection) => this.#serve(connection))
    // Clients must not keep the session alive.
    this.#server.unref()
  }

  /** @param path of a socket that does not exist yet */
  async listen(path: string): Promise<void> {
    this.#server.listen(path)
    await once(this.#server, 'listening')
    chmodSync(path, 0o600)
  }

  stillStopping(services: readonly StillStopping[]): void {
    for (const connection of this.#waiting) send(connection, { stillStopping: services })
  }

  close(): void {
    this.#server.close()
    for (const connection of this.#connections) connection.end()
  }

  #serve(connection: Socket): void {
    connection.unref()
    this.#connections.add(connection)
    connection.on('error', () => {})
    connection.once('close', () => {
      this.#connections.delete(connection)
      this.#waiting.delete(connection)
    })
    createInterface({ input: connection }).once('line', (line) => {
      const request = parseRequest(line)
      if (request === undefined) connection.end()
      else void this.#respond(request, connection)
    })
  }

  async #respond(request: ControlRequest, connection: Socket): Promise<void> {
    switch (request.do) {
      case 'status':
        send(connection, { pid: process.pid, services: this.#control.status() })
        break
      case 'restart':
        await this.#restart(request.names, (response) => send(connection, response))
        break
      case 'stop':
        this.#waiting.add(connection)
        if (request.isForced) this.#control.force()
        else this.#control.stop()
        return
    }
    connection.end()
  }

  async #restart(names: readonly string[], respond: (response: RestartResponse) => void): Promise<void> {
    const known = this.#control.status().map(({ name }) => name)
    const unknown = names.find((name) => this.#control.instancesOf(name).length === 0)
    if (unknown !== undefined) return respond({ unknown, known })
    const instances = new Set(names.flatMap((name) => this.#control.instancesOf(name)))
    await Promise.all(
      [...instances].map(async (name) => {
        try {
          respond({ name, tookMs: await this.#control.restart(name) })
        } catch (error) {
          respond({ name, error: (error as Error).message })
        }
      }),
    )
  }
}

function send(connection: Socket, response: StatusResponse | RestartResponse | StopResponse): void {
  connection.write(`${JSON.stringify(response)}\n`)
}

function parseRequest(line: string): ControlRequest | undefined {
  try {
    return JSON.parse(line) as ControlRequest
  } catch {
    return undefined
  }
}
