import { connect as connectTo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

type Direction = 'to_server' | 'to_client'

export interface CutOptions {
  /** What is lost; everything by default. */
  readonly lost?: readonly Direction[]
  /** When the server ends the sessions, as its keepalives make it do; at once by default. */
  readonly serverEndsAfterMs?: number
  /** Whether connections stay silent that are older than its end: what was lost is sent again ever more rarely. */
  readonly staysSilent?: boolean
}

/** A network between clients and a server on this machine that can be slow, and silent without an error. */
export interface WeakLink {
  readonly url: string
  cut(options?: CutOptions): void
  restore(): void
  /** How long everything is under way from now on. */
  setDelay(milliseconds: number): void
  /** Another server answers new connections. */
  leadTo(port: number): void
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly lost: Record<Direction, Buffer[]>
  isSilent: boolean
  /** One side has ended, and the other has not been told. */
  isHalf: boolean
}

/** Stands between the client and the server of a database for one test. */
export async function weakLink(to: string): Promise<WeakLink> {
  const pairs = new Set<Pair>()
  let { port } = new URL(to)
  let cut: CutOptions | undefined
  let delayMs = 0
  const isLost = (pair: Pair, direction: Direction) =>
    pair.isSilent || (cut !== undefined && (cut.lost ?? ['to_server', 'to_client']).includes(direction))
  const end = (pair: Pair, socket: Socket) => {
    socket.destroy()
    pair.isHalf = true
    // A cut hides the end of one side from the other.
    if (cut || pair.isSilent) return
    pair.client.destroy()
    pair.server.destroy()
    pairs.delete(pair)
  }
  const carry = (pair: Pair, direction: Direction, data: Buffer) => {
    const socket = direction === 'to_server' ? pair.server : pair.client
    if (isLost(pair, direction)) pair.lost[direction].push(data)
    else if (delayMs > 0) setTimeout(() => socket.write(data), delayMs)
    else socket.write(data)
  }
  const proxy = createServer((client) => {
    const server = connectTo(Number(port), '127.0.0.1')
    const pair: Pair = { client, server, lost: { to_server: [], to_client: [] }, isSilent: false, isHalf: false }
    pairs.add(pair)
    client.on('data', (data) => carry(pair, 'to_server', data))
    server.on('data', (data) => carry(pair, 'to_client', data))
    for (const socket of [client, server]) socket.on('error', () => {}).on('close', () => end(pair, socket))
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.close()
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  })
  const url = new URL(to)
  url.port = String((proxy.address() as { port: number }).port)
  return {
    url: url.href,
    cut(options = {}) {
      cut = options
      const before = [...pairs]
      for (const pair of before) pair.isSilent ||= options.staysSilent ?? false
      const endAll = () => {
        if (cut === options) for (const { server } of before) server.destroy()
      }
      setTimeout(endAll, options.serverEndsAfterMs ?? 0)
    },
    restore() {
      cut = undefined
      for (const pair of [...pairs]) {
        if (pair.isSilent) continue
        if (pair.isHalf) end(pair, pair.client)
        else
          for (const direction of ['to_server', 'to_client'] as const)
            for (const data of pair.lost[direction].splice(0)) carry(pair, direction, data)
      }
    },
    setDelay(milliseconds) {
      delayMs = milliseconds
    },
    leadTo(next) {
      port = String(next)
    },
  }
}
