import type { Readable } from 'node:stream'
import { execa } from 'execa'

/** What the unit has written since this start of it, which systemd names in INVOCATION_ID, and goes on to write. */
export function followJournal({ INVOCATION_ID }: NodeJS.ProcessEnv): { output: Readable; end(): void } {
  const match = INVOCATION_ID === undefined ? [] : [`_SYSTEMD_INVOCATION_ID=${INVOCATION_ID}`]
  const child = execa('journalctl', ['--follow', '--no-tail', '--output=cat', ...match], {
    reject: false,
    stdin: 'ignore',
    // That it may not read the journal is to be seen there.
    stderr: 'inherit',
    buffer: false,
  })
  return { output: child.stdout, end: () => void child.kill('SIGTERM') }
}
