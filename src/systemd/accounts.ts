import { execa } from 'execa'
import { SystemdFailedError } from './systemd-errors.ts'

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** A user of the system, if there is one of that name. */
export async function findAccount(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => (await execa('id', [flag, name], { reject: false, stdin: 'ignore' })).stdout),
  )
  return uid === '' || uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** Whether files that belong to this number belong to a user of the system. */
export async function isAccount(uid: number): Promise<boolean> {
  const { exitCode } = await execa('getent', ['passwd', String(uid)], { reject: false, stdin: 'ignore' })
  return exitCode === 0
}

/** A user for units alone: without a password, a shell or files of its own in /home. */
export async function createAccount(name: string, home: string): Promise<void> {
  const flags = ['--system', '--user-group', '--home-dir', home, '--no-create-home', '--shell', '/usr/sbin/nologin']
  const { failed, stderr, shortMessage } = await execa('useradd', [...flags, name], { reject: false, stdin: 'ignore' })
  if (failed) throw new SystemdFailedError(`useradd ${name}`, stderr || String(shortMessage))
}

export async function removeAccount(name: string): Promise<void> {
  await execa('userdel', [name], { reject: false, stdin: 'ignore' })
}

/** Whether a user may read a path: asked of the system, since rights come from groups and lists too. */
export async function mayRead(user: string, path: string): Promise<boolean> {
  const { exitCode } = await execa('runuser', ['-u', user, '--', 'test', '-r', path], {
    reject: false,
    stdin: 'ignore',
  })
  return exitCode === 0
}
