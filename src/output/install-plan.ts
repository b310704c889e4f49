import { formatCount } from '../format.ts'
import type { InstallEvent } from '../server/change-unit.ts'
import type { FileStep, InstallPlan, UnitReason, UnitStep } from '../server/install-plan.ts'
import type { Installation } from '../server/install-systemd.ts'
import type { Preparation } from '../server/preparations.ts'
import { explainUnit } from '../systemd/unit-template.ts'
import { type Screen, type Style, styled } from './screen.ts'

/** A plan for people: the files with their differences, then the units that change, and why. */
export function formatPlan(
  { plan, preparations }: Pick<Installation, 'plan' | 'preparations'>,
  screen: Screen,
): string {
  const paint = painter(screen)
  const unchanged = plan.files.filter(({ change }) => change === 'none').length
  return [
    ...preparations.map((preparation) => `first   ${formatPreparation(preparation)}`),
    ...plan.files.flatMap((file) => fileLines(file, paint)),
    ...(unchanged === 0 ? [] : [`unchanged: ${formatCount(unchanged, 'file')}`]),
    ...plan.units
      .filter(({ change }) => change !== 'none')
      .map((step) => `${step.change.padEnd(7)} ${formatStep(step)}`),
    ...(plan.isEnabled ? [] : [`enable  ${plan.target}: starts at boot`]),
  ].join('\n')
}

/** A line for people while a plan is applied. */
export function formatInstallEvent(event: InstallEvent): string {
  switch (event.kind) {
    case 'preparation':
      return formatPreparation(event.preparation)
    case 'unit':
      return `${event.step.change} ${formatStep(event.step)}`
    case 'unit-state':
      return `${event.unit} is ${event.active}${event.status === '' ? '' : `: ${event.status}`}`
    case 'journal':
      return [`Journal of ${event.unit}:`, ...event.lines].join('\n  ')
    case 'rollback':
      return event.isUpdate ? 'rolling back to the previous units' : 'rolling back'
  }
}

function formatPreparation(preparation: Preparation): string {
  switch (preparation.kind) {
    case 'create-user':
      return `create user ${preparation.user}`
    case 'copy-node':
      return `copy ${preparation.from} to ${preparation.to}`
    case 'move-database':
      return `move database ${preparation.from} to ${preparation.to}`
    case 'enable-lingering':
      return `keep units of ${preparation.user} running after logout`
  }
}

function formatStep({ unit, reason }: UnitStep): string {
  return reason === undefined ? unit : `${unit}: ${formatReason(reason)}`
}

function formatReason(reason: UnitReason): string {
  switch (reason.kind) {
    case 'new':
      return 'new'
    case 'unknown-state':
      return 'its state is not known here'
    case 'settings-changed':
      return 'settings have changed'
    case 'removed':
      return 'removed from the configuration'
    case 'target':
      return 'groups the units'
    case 'others-start':
      return 'the other units start after it'
    case 'down':
      return `is ${reason.state}`
    case 'outdated':
      return `has been running with earlier settings${reason.since === '' ? '' : ` since ${reason.since}`}`
  }
}

/** Every unit file, and the environment files without their values. */
export function formatUnitFiles({ units, plan }: Pick<Installation, 'units' | 'plan'>): string {
  const environmentFiles = plan.files.flatMap(({ kind, path, text }) =>
    kind === 'environment' && text !== undefined
      ? [`# ${path}, 0640; values are hidden\n${text.replaceAll(/^(\w+)="(?:[^"\\]|\\[\s\S])*"$/gm, '$1=…')}`]
      : [],
  )
  return [...units.map(({ file, text }) => `# ${file}\n${text}`), ...environmentFiles].join('\n')
}

/** What each directive is for, and what the remaining exposure comes from. */
export function formatExplanation({ units, checks }: Pick<Installation, 'units' | 'checks'>, screen: Screen): string {
  const paint = painter(screen)
  return units
    .map(({ file, text }) => {
      const check = checks?.find((one) => one.file === file)
      const directives = explainUnit(text).map(({ directive, explanation }) =>
        explanation === '' ? `  ${directive}` : `  ${directive}\n      ${paint('dim', explanation)}`,
      )
      const exposure =
        check?.exposure === undefined
          ? []
          : [
              `  exposure ${check.exposure} of 10, from:`,
              ...check.remaining.map(({ points, what }) => `    ${points.toFixed(1)} ${what}`),
            ]
      return [paint('bold', file), ...directives, ...exposure].join('\n')
    })
    .join('\n\n')
}

export function formatExposure({ checks }: Pick<Installation, 'checks'>): string {
  const measured = (checks ?? []).filter(({ exposure }) => exposure !== undefined)
  if (measured.length === 0) return 'exposure: unknown, systemd-analyze not found'
  return `exposure: ${measured.map(({ file, exposure }) => `${file} ${exposure}`).join(', ')}`
}

/** The plan for programs, without the values of variables. */
export function planAsJson(plan: InstallPlan): object {
  return {
    ...plan,
    files: plan.files.map(({ text, kind, ...file }) => ({ ...file, kind, ...(kind === 'unit' && { text }) })),
  }
}

function fileLines({ path, change, diff }: FileStep, paint: Painter): string[] {
  if (change === 'none') return []
  const colour = { create: 'green', change: 'yellow', remove: 'red' } as const
  const lines = change === 'change' ? diff.map((line) => `        ${diffLine(line, paint)}`) : []
  return [`${paint(colour[change], change.padEnd(7))} ${path}`, ...lines]
}

function diffLine(line: string, paint: Painter): string {
  if (line.startsWith('+')) return paint('green', line)
  if (line.startsWith('~')) return `${line} (value changed)`
  return line.startsWith('-') ? paint('red', line) : line
}

type Painter = (style: Style, text: string) => string

function painter(screen: Screen): Painter {
  return (style, text) => styled(text, style, screen)
}
