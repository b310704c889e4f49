import type { Problem } from '../errors.ts'

/** One thing that `ops doctor` checks, and what it found. */
export interface Check {
  readonly name: string
  /** `skipped`: there is nothing to check, or no way to. */
  readonly status: 'ok' | 'skipped' | 'problem'
  readonly found: string
  readonly problem?: Problem
}

export function passed(name: string, found: string): Check {
  return { name, status: 'ok', found }
}

export function skipped(name: string, found: string, ...suggestions: string[]): Check {
  if (suggestions.length === 0) return { name, status: 'skipped', found }
  return { ...failed(name, { code: 'SKIPPED', severity: 'info', message: found, suggestions }), status: 'skipped' }
}

export function failed(name: string, problem: Problem): Check {
  return { name, status: 'problem', found: problem.message, problem: { ...problem, where: problem.where ?? name } }
}

export function warned(name: string, code: string, message: string, ...suggestions: string[]): Check {
  return failed(name, { code, severity: 'warning', message, suggestions })
}
