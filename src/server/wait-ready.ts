import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import { toDurationText } from '../config/duration.ts'
import { formatProbe, type Probe } from '../development/planned-service.ts'
import { isReady } from '../development/readiness.ts'
import { followJournal } from '../systemd/follow-journal.ts'

/** How often the process that is waited for is looked at. */
const LOOK_EVERY_MS = 200

interface Waiting {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** Waits until a service answers, its time is over, or its process, which systemd names in MAINPID, has ended. */
export async function waitReady(probe: Probe, { env, cwd }: Waiting): Promise<{ isReady: boolean; message: string }> {
  const end = new AbortController()
  const late = `not ready within ${toDurationText(probe.timeoutMs)}`
  const timeout = setTimeout(() => end.abort(late), probe.timeoutMs)
  const main = Number(env.MAINPID)
  const looking = setInterval(
    () => main > 0 && !isThere(main) && end.abort('the service has ended before it was ready'),
    LOOK_EVERY_MS,
  )
  const output: EventEmitter<{ lines: [text: string] }> = new EventEmitter()
  const journal = probe.kind === 'log' ? followJournal(env) : undefined
  if (journal) createInterface({ input: journal.output }).on('line', (line) => output.emit('lines', line))
  try {
    const options = { output, cwd, env: env as Record<string, string>, signal: end.signal }
    const answered = await isReady(probe, options)
    return { isReady: answered, message: `${answered ? 'ready' : end.signal.reason}: ${formatProbe(probe)}` }
  } finally {
    clearTimeout(timeout)
    clearInterval(looking)
    journal?.end()
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of another user, it is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
