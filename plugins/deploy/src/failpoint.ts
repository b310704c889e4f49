/** Where a test kills the worker in the middle of a deployment: `OPS_FAILPOINT=deploy.unpacked:kill`. */
export type Failpoint =
  | 'begun'
  | 'unpacked'
  | 'linked'
  | 'prepared'
  | 'completed'
  | 'switched'
  | 'activated'
  | 'checked'
  | 'succeeded'
  | 'pruned'
  | 'put back'

export function failpoint(here: Failpoint): void {
  if (process.env.OPS_FAILPOINT === `deploy.${here}:kill`) process.kill(process.pid, 'SIGKILL')
}
