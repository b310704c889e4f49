import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Control } from './control.ts'
import type { ControlRequest, RestartAnswer, StatusAnswer, StopAnswer } from './control-protocol.ts'
import type { StillStopping } from './service-report.ts'

/** Answers other terminals over a socket that only this user can open. */
export class ControlServer {
  readonly #control: Control
  readonly #server: Server
  /** They have asked for a stop, and wait for its end. */
  readonly #waiting = new Set<Socket>()
  readonly #connections = new Set<Socket>()

  constructor(control: Control) {
    this.#control = control
    this.#server = createServer((connection) => this.#serve(connection))
    // Who asks must not keep alive what is to end.
    this.#server.unref()
  }

  /** @param path of a socket that is not there yet */
  async listen(path: string): Promise<void> {
    this.#server.listen(path)
    await once(this.#server, 'listening')
    chmodSync(path, 0o600)
  }

  stillStopping(services: readonly StillStopping[]): void {
    for (const connection of this.#waiting) say(connection, { stillStopping: services } satisfies StopAnswer)
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
    const lines = createInterface({ input: connection })
    lines.once('line', (line) => {
      const request = parse(line)
      if (request === undefined) connection.end()
      else void this.#answer(request, connection)
    })
  }

  async #answer(request: ControlRequest, connection: Socket): Promise<void> {
    switch (request.do) {
      case 'status':
        say(connection, { pid: process.pid, services: this.#control.status() } satisfies StatusAnswer)
        break
      case 'restart':
        await this.#restart(request.names, (answer) => say(connection, answer))
        break
      case 'stop':
        this.#waiting.add(connection)
        if (request.isForced) this.#control.force()
        else this.#control.stop()
        return
    }
    connection.end()
  }

  async #restart(names: readonly string[], answer: (text: RestartAnswer) => void): Promise<void> {
    const known = this.#control.status().map(({ name }) => name)
    const unknown = names.find((name) => this.#control.named(name).length === 0)
    if (unknown !== undefined) return answer({ unknown, known })
    const wanted = new Set(names.flatMap((name) => this.#control.named(name)))
    await Promise.all(
      [...wanted].map(async (name) => {
        try {
          answer({ name, tookMs: await this.#control.restart(name) })
        } catch (error) {
          answer({ name, error: (error as Error).message })
        }
      }),
    )
  }
}

function say(connection: Socket, answer: StatusAnswer | RestartAnswer | StopAnswer): void {
  connection.write(`${JSON.stringify(answer)}\n`)
}

function parse(line: string): ControlRequest | undefined {
  try {
    return JSON.parse(line) as ControlRequest
  } catch {
    return undefined
  }
}
