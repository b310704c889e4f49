import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A pooler in transaction mode with one connection to the server: each client gets it for the length of a transaction.
 * The first client's own handshake opens it; later clients are let in with what the server said then.
 */
export function transactionPooler(port: number): Promise<{ port: number; close(): void }> {
  let greeting: Buffer | undefined
  let user: Socket | undefined
  const waiting: (() => void)[] = []
  const sockets: Socket[] = []
  const server = connect(port, '127.0.0.1')

  server.on('data', (data) => {
    user?.write(data)
    for (const { type, body, whole } of messages(data)) {
      if (greeting === undefined && type === 'Z') greeting = whole
      // Ready, and in no transaction: the next one's turn.
      if (type === 'Z' && body.toString() === 'I') {
        user = undefined
        waiting.shift()?.()
      }
    }
  })

  const pooler: Server = createServer((client) => {
    sockets.push(client)
    let isGreeted = false
    client.on('error', () => {})
    client.on('data', async (data) => {
      if (!isGreeted) {
        isGreeted = true
        if (greeting !== undefined) {
          client.write(Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), greeting]))
          return
        }
      } else if (data[0] === 0x58) return
      if (user !== client) {
        if (user) await new Promise<void>((resolve) => waiting.push(resolve))
        user = client
      }
      server.write(data)
    })
  })
  return new Promise((resolve) => {
    pooler.listen(0, '127.0.0.1', () => {
      const { port } = pooler.address() as { port: number }
      resolve({
        port,
        close() {
          pooler.close()
          for (const socket of [...sockets, server]) socket.destroy()
        },
      })
    })
  })
}

/** The messages in a piece of the stream. These answers are short, so each piece has whole ones. */
function* messages(data: Buffer): Generator<{ type: string; body: Buffer; whole: Buffer }> {
  for (let at = 0; at + 5 <= data.length; ) {
    const length = data.readInt32BE(at + 1)
    const end = at + 1 + length
    yield { type: String.fromCharCode(data[at]!), body: data.subarray(at + 5, end), whole: data.subarray(at, end) }
    at = end
  }
}
