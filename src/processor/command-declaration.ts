import { nearest } from '../errors.ts'
import { type ExclusiveBy, isExclusiveBy } from './define-processor.ts'
import type { Retry } from './retry.ts'

/** A processor in any language, as package.json declares it: a program that performs one task. */
export interface CommandDeclaration {
  /** The program and its arguments. Paths are relative to the plugin. */
  readonly command: readonly string[]
  readonly table: string
  readonly summary?: string
  readonly priority?: number
  readonly exclusive?: boolean
  /** Here and below, columns have their names in the database. */
  readonly exclusiveBy?: string | ExclusiveBy
  readonly after?: string | readonly string[]
  readonly unique?: readonly string[]
  /** Columns that only the program writes. */
  readonly results?: readonly string[]
  /** Names of the worker's variables that the program gets although they are secrets. */
  readonly passEnv?: readonly string[]
  readonly retry?: Retry
  readonly timeout?: string
  readonly onCrash?: 'fail' | 'retry'
  readonly onInterrupt?: 'fail' | 'retry'
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const areTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

type Rule = readonly [check: (value: unknown) => boolean, expected: string]

const text: Rule = [isText, 'text']
const choice: Rule = [(value) => value === 'fail' || value === 'retry', '"fail" or "retry"']

/** What each key must be. Columns and durations are checked later, against the table. */
const rules: Readonly<Record<string, Rule>> = {
  command: [(value) => areTexts(value) && (value as unknown[]).length > 0, 'a list: the program and its arguments'],
  table: text,
  summary: text,
  priority: [(value) => Number.isSafeInteger(value), 'a whole number'],
  exclusive: [(value) => typeof value === 'boolean', 'true or false'],
  exclusiveBy: [isExclusiveBy, 'a column, or { "key": "environment", "column": "target" }'],
  after: [(value) => isText(value) || areTexts(value), 'a column or a list of columns'],
  unique: [areTexts, 'a list of columns'],
  results: [areTexts, 'a list of columns'],
  passEnv: [areTexts, 'a list of names of variables'],
  retry: [
    (value) => typeof value === 'object' && value !== null && 'attempts' in value,
    'an object such as { "attempts": 3 }',
  ],
  timeout: text,
  onCrash: choice,
  onInterrupt: choice,
}

/** The declaration, or everything that is wrong with it, to complete a sentence. */
export function parseCommandDeclaration(value: unknown): { declaration: CommandDeclaration } | { problem: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'expected the path of a module, or an object with "command" and "table"' }
  const given = value as Record<string, unknown>
  const known = Object.keys(rules)
  const problems = [
    ...Object.keys(given)
      .filter((key) => !known.includes(key))
      .map((key) => unknownSetting(key, nearest(key, known))),
    ...['command', 'table'].filter((key) => given[key] === undefined).map((key) => `"${key}" is missing`),
    ...Object.entries(rules)
      .filter(([key, [isValid]]) => given[key] !== undefined && !isValid(given[key]))
      .map(([key, [, expected]]) => `"${key}" must be ${expected}, not ${JSON.stringify(given[key])}`),
  ]
  return problems.length === 0
    ? { declaration: given as unknown as CommandDeclaration }
    : { problem: problems.join('; ') }
}

function unknownSetting(key: string, meant: string | undefined): string {
  return meant === undefined ? `unknown setting "${key}"` : `unknown setting "${key}", did you mean "${meant}"?`
}
