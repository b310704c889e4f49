import type { Systemctl } from '../systemd/systemctl.ts'
import type { UnitStep } from './install-plan.ts'
import type { InstallReport } from './install-report.ts'

const TELL_EVERY_MS = 5000

const doing = { start: 'starting', restart: 'restarting', reload: 'running again', stop: 'stopping', none: '' } as const

/**
 * Starts, restarts or stops one unit and waits until systemd is done with it: a worker finishes its task first.
 *
 * @returns how it failed, if it did
 */
export async function changeUnit(
  { unit, change, because }: UnitStep,
  systemctl: Systemctl,
  report: InstallReport,
): Promise<string | undefined> {
  report.step(`${doing[change]} ${unit}${because === '' ? '' : `: ${because}`}`)
  const telling = setInterval(async () => {
    const state = (await systemctl.show([unit])).get(unit)!
    report.step(`${unit} is ${state.active}${state.status === '' ? '' : `: ${state.status}`}`)
  }, TELL_EVERY_MS)
  try {
    // A unit that has failed before may have spent its starts.
    if (change === 'start') await systemctl.run('reset-failed', unit)
    const { failed } = await systemctl.run(change, unit)
    if (!failed) return undefined
    if (change === 'reload') return 'failed when it was run again'
    return howItFailed((await systemctl.show([unit])).get(unit)!.result)
  } finally {
    clearInterval(telling)
  }
}

function howItFailed(result: string): string {
  if (result === 'timeout') return 'did not become ready in time'
  return `did not become ready (${result === 'success' ? 'its start failed' : result})`
}
