import type { FileStep, InstallPlan } from '../server/install-plan.ts'
import type { Installation } from '../server/install-systemd.ts'
import { explainUnit } from '../systemd/unit-template.ts'
import { type Screen, type Style, styled } from './screen.ts'

/** A plan as people read it: the files with what changes in them, then what is started anew, and why. */
export function planSheet({ plan, preparations }: Pick<Installation, 'plan' | 'preparations'>, screen: Screen): string {
  const paint = painter(screen)
  const files = plan.files.flatMap((file) => fileLines(file, paint))
  const untouched = plan.files.filter(({ change }) => change === 'none').length
  const units = plan.units
    .filter(({ change }) => change !== 'none')
    .map(({ unit, change, because }) => `${change.padEnd(7)} ${unit}${because === '' ? '' : `: ${because}`}`)
  return [
    ...preparations.map(({ what }) => `first   ${what}`),
    ...files,
    ...(untouched === 0 ? [] : [`untouched: ${untouched} ${untouched === 1 ? 'file' : 'files'}`]),
    ...units,
    ...(plan.isEnabled ? [] : [`enable  ${plan.target}: started at boot`]),
  ].join('\n')
}

/** Every unit as it would be installed. */
export function unitTexts({ units, plan }: Pick<Installation, 'units' | 'plan'>): string {
  const names = plan.files.flatMap(({ kind, path, text }) =>
    kind === 'environment' && text !== undefined
      ? [`# ${path}, 0640; values are not shown\n${text.replaceAll(/^(\w+)="(?:[^"\\]|\\[\s\S])*"$/gm, '$1=…')}`]
      : [],
  )
  return [...units.map(({ file, text }) => `# ${file}\n${text}`), ...names].join('\n')
}

/** What each directive is for, and what the points that are left are for. */
export function explanation({ units, checks }: Pick<Installation, 'units' | 'checks'>, screen: Screen): string {
  const paint = painter(screen)
  return units
    .map(({ file, text }) => {
      const check = checks?.find((one) => one.file === file)
      const directives = explainUnit(text).map(({ directive, why }) =>
        why === '' ? `  ${directive}` : `  ${directive}\n      ${paint('dim', why)}`,
      )
      const exposure =
        check?.exposure === undefined
          ? []
          : [
              `  exposure ${check.exposure} of 10; what is left:`,
              ...check.remaining.map(({ points, what }) => `    ${points.toFixed(1)} ${what}`),
            ]
      return [paint('bold', file), ...directives, ...exposure].join('\n')
    })
    .join('\n\n')
}

export function exposures({ checks }: Pick<Installation, 'checks'>): string {
  const measured = (checks ?? []).filter(({ exposure }) => exposure !== undefined)
  if (measured.length === 0) return 'Nothing can be said of the exposure here: there is no systemd-analyze.'
  return `exposure: ${measured.map(({ file, exposure }) => `${file} ${exposure}`).join(', ')}`
}

/** As programs read it: without the values of variables. */
export function planAsJson(plan: InstallPlan): object {
  return {
    ...plan,
    files: plan.files.map(({ text, kind, ...file }) => ({ ...file, kind, ...(kind === 'unit' && { text }) })),
  }
}

function fileLines({ path, change, diff }: FileStep, paint: Painter): string[] {
  if (change === 'none') return []
  const colour = { create: 'green', change: 'yellow', remove: 'red' } as const
  const lines = change === 'change' ? diff.map((line) => `        ${colouredLine(line, paint)}`) : []
  return [`${paint(colour[change], change.padEnd(7))} ${path}`, ...lines]
}

function colouredLine(line: string, paint: Painter): string {
  if (line.startsWith('+')) return paint('green', line)
  return line.startsWith('-') ? paint('red', line) : line
}

type Painter = (style: Style, text: string) => string

function painter(screen: Screen): Painter {
  return (style, text) => styled(text, style, screen)
}
