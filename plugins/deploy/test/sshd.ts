import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { until } from '../../../test/support/until.ts'

// A PATH has it for root alone, if at all.
const folders = [...process.env.PATH!.split(':'), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']
const program = folders.map((folder) => join(folder, 'sshd')).find((path) => existsSync(path))

/** Why sshd cannot run here; undefined if it can. */
export const sshdMissing: string | undefined = program === undefined ? 'sshd not found' : undefined

/** A server on loopback with its own keys, and the settings of an environment to reach it. */
export interface Sshd {
  readonly host: string
  readonly ssh: readonly string[]
  readonly knownHosts: string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts sshd as a child process, on an unprivileged port. */
export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'ops sshd '))
  const port = await freePort()
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  // Started by root, it needs a system folder.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const config = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: `"${join(folder, 'host')}"`,
    AuthorizedKeysFile: `"${join(folder, 'user.pub')}"`,
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    PermitRootLogin: 'prohibit-password',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    // More than a test opens at a time.
    MaxStartups: 100,
  }
  const text = Object.entries(config).map(([name, value]) => `${name} ${value}\n`)
  writeFileSync(join(folder, 'config'), text.join(''))
  const server = execa(program!, ['-D', '-e', '-f', join(folder, 'config')], { stdout: 'ignore', reject: false })
  const key = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
  writeFileSync(join(folder, 'known hosts'), `[127.0.0.1]:${port} ${key}\n`)
  const ended = await Promise.race([server, until(() => answers(port), 'sshd answers')])
  if (ended) throw new Error(`sshd could not be started:\n${ended.stderr || ended.message}`)
  return {
    host: `${userInfo().username}@127.0.0.1`,
    ssh: ['-p', String(port), '-i', join(folder, 'user'), '-o', 'IdentitiesOnly=yes', '-F', '/dev/null'],
    knownHosts: join(folder, 'known hosts'),
    pid: server.pid!,
    async stop() {
      server.kill('SIGTERM')
      await server
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.on('connect', () => end(true)).on('error', () => end(false))
  })
}
