/**
 * A point at which a test makes this process fail: `OPS_FAILPOINT=settle.before-commit:kill`, or `…:kill:3` for the third
 * time it is reached. `kill` sends SIGKILL, `stop` sends SIGSTOP, `throw` throws.
 */
export type Failpoint =
  | 'claim.before-commit'
  | 'claim.after-commit'
  | 'run.before'
  | 'run.after'
  | 'settle.before-commit'
  | 'settle.after-commit'
  | 'recover.before-ending-processes'
  | 'recover.before-commit'
  | 'recover.after-commit'
  | 'prune.before-commit'
  | 'prune.after-commit'
  | 'plugins.replaced-one'
  | 'plugins.committed'

const [name, action, count = '1'] = (process.env.OPS_FAILPOINT ?? '').split(':')
let left = Number(count)

/** Whether a failpoint is set: code that usually skips its place may then have to go through it. */
export function isSet(failpoint: Failpoint): boolean {
  return failpoint === name
}

export function failpoint(here: Failpoint): void {
  if (here !== name) return
  left -= 1
  if (left !== 0) return
  if (action === 'kill') process.kill(process.pid, 'SIGKILL')
  else if (action === 'stop') process.kill(process.pid, 'SIGSTOP')
  else throw new Error(`failed at ${here}, as OPS_FAILPOINT says`)
}
