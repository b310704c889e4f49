import type { Problem } from '../errors.ts'
import type { PluginsChange } from '../plugins/change-plugins.ts'
import { changeLines, isBroken, problemsOf } from './plugin-sheet.ts'
import { screenOf } from './screen.ts'

interface Teller {
  log(line: string): void
  warn(problem: string | Pick<Problem, 'message' | 'suggestions'>): unknown
}

/** Says what was installed or linked, and what is wrong with it, in which case the exit status is 1. */
export function tellPlugins(change: PluginsChange, to: Teller, unchanged: readonly string[] = []): void {
  for (const line of changeLines(change, unchanged, screenOf(process.stdout, process.env))) to.log(line)
  for (const sheet of change.plugins) {
    for (const problem of problemsOf(sheet)) if (problem.code !== 'TASK_TABLE_MISSING') to.warn(problem)
    if (!isBroken(sheet)) continue
    const takeBack = `ops plugins ${sheet.source === 'linked' ? 'unlink' : 'uninstall'} ${sheet.name}`
    const isTold = problemsOf(sheet).some(({ suggestions }) => suggestions.some((each) => each.includes(takeBack)))
    const advice = isTold ? '' : ` To take it back: ${takeBack}`
    to.warn(`${sheet.name} is ${sheet.source} and cannot be used as it is; all else works.${advice}`)
    process.exitCode = 1
  }
  for (const error of change.migration.errors) to.warn(error)
  if (change.migration.errors.length > 0) process.exitCode = 1
}

/** Says of which plugins install scripts did not run. */
export function tellIdleScripts(names: readonly string[], to: Teller): void {
  for (const name of names)
    to.warn(`${name}, or what it depends on, has install scripts, and they did not run. --allow-scripts runs them.`)
}
