import { existsSync } from 'node:fs'
import { execa } from 'execa'
import { SystemdFailedError } from './systemd-errors.ts'

/** Whether the units of a user live on when he has logged out (loginctl(1)). */
export function isLingering(user: string): boolean {
  return existsSync(`/var/lib/systemd/linger/${user}`)
}

export async function setLingering(user: string, isOn: boolean): Promise<void> {
  const verb = isOn ? 'enable-linger' : 'disable-linger'
  const { failed, stderr } = await execa('loginctl', [verb, user], { reject: false, stdin: 'ignore' })
  if (failed)
    throw new SystemdFailedError(`loginctl ${verb} ${user}`, stderr ?? '', [
      `let root do it: sudo loginctl ${verb} ${user}`,
    ])
}
