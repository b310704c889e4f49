import { existsSync } from 'node:fs'
import { execa } from 'execa'
import { systemdFailed } from './systemctl.ts'

const quietly = { reject: false, stdin: 'ignore' } as const

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** A user of the system, or undefined where there is none with this name. */
export async function findAccount(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => (await execa('id', [flag, name], quietly)).stdout),
  )
  return uid === '' || uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

export async function isAccount(uid: number): Promise<boolean> {
  const { exitCode } = await execa('getent', ['passwd', String(uid)], quietly)
  return exitCode === 0
}

/** Creates a system user for units, without a password, a shell or a folder in /home. */
export async function createAccount(name: string, home: string): Promise<void> {
  const flags = ['--system', '--user-group', '--home-dir', home, '--no-create-home', '--shell', '/usr/sbin/nologin']
  const { failed, stderr, shortMessage } = await execa('useradd', [...flags, name], quietly)
  if (failed) throw systemdFailed(`useradd ${name}`, stderr || String(shortMessage))
}

export async function removeAccount(name: string): Promise<void> {
  await execa('userdel', [name], quietly)
}

/** Whether a user can read a path. The system decides, since groups and access lists count too. */
export async function canRead(user: string, path: string): Promise<boolean> {
  const { exitCode } = await execa('runuser', ['-u', user, '--', 'test', '-r', path], quietly)
  return exitCode === 0
}

/** Whether the user's units keep running after a logout (loginctl(1)). */
export function isLingering(user: string): boolean {
  return existsSync(`/var/lib/systemd/linger/${user}`)
}

export async function setLingering(user: string, isOn: boolean): Promise<void> {
  const verb = isOn ? 'enable-linger' : 'disable-linger'
  const { failed, stderr } = await execa('loginctl', [verb, user], quietly)
  if (failed) {
    throw systemdFailed(`loginctl ${verb} ${user}`, stderr ?? '', [`run it as root: sudo loginctl ${verb} ${user}`])
  }
}
