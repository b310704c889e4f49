import type { Systemctl } from '../systemd/systemctl.ts'
import type { UnitStep } from './install-plan.ts'
import type { Preparation } from './preparations.ts'

/** What happens while a server is changed. */
export type InstallEvent =
  | { readonly kind: 'preparation'; readonly preparation: Preparation }
  | { readonly kind: 'unit'; readonly step: UnitStep }
  /** Sent every few seconds while systemd works on a unit. */
  | { readonly kind: 'unit-state'; readonly unit: string; readonly active: string; readonly status: string }
  | { readonly kind: 'journal'; readonly unit: string; readonly lines: readonly string[] }
  | { readonly kind: 'rollback'; readonly isUpdate: boolean }

export type OnInstallEvent = (event: InstallEvent) => void

/** Why a unit did not change as it should. */
export type UnitFailure =
  | { readonly kind: 'reload' }
  | { readonly kind: 'timeout' }
  /** A result of systemd, such as `exit-code`. */
  | { readonly kind: 'start' | 'early-exit'; readonly result: string }

const REPORT_EVERY_MS = 5000

/** Starts, restarts, reloads or stops a unit and waits until systemd is done: a worker finishes its task first. */
export async function changeUnit(
  step: UnitStep,
  systemctl: Systemctl,
  onEvent: OnInstallEvent,
): Promise<UnitFailure | undefined> {
  const { unit, change } = step
  onEvent({ kind: 'unit', step })
  const reports = setInterval(async () => {
    const { active, status } = (await systemctl.show([unit])).get(unit)!
    onEvent({ kind: 'unit-state', unit, active, status })
  }, REPORT_EVERY_MS)
  try {
    // A unit that has failed before may have reached its start limit.
    if (change === 'start') await systemctl.tryRun('reset-failed', unit)
    const { failed } = await systemctl.tryRun(change, unit)
    if (!failed) return undefined
    if (change === 'reload') return { kind: 'reload' }
    const { result } = (await systemctl.show([unit])).get(unit)!
    return result === 'timeout' ? { kind: 'timeout' } : { kind: 'start', result }
  } finally {
    clearInterval(reports)
  }
}
