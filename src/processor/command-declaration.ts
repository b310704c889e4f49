import { nearest } from '../errors.ts'
import { type ExclusiveBy, isExclusiveBy } from './define-processor.ts'
import type { Retry } from './retry.ts'

/** A processor in any language, as a package.json declares it: a program that performs one task. */
export interface CommandDeclaration {
  /** The program and its arguments. Paths are relative to the plugin. */
  readonly command: readonly string[]
  readonly table: string
  readonly summary?: string
  readonly priority?: number
  readonly exclusive?: boolean
  /** Columns here and below by their names in the database. */
  readonly exclusiveBy?: string | ExclusiveBy
  readonly after?: string | readonly string[]
  readonly unique?: readonly string[]
  /** Columns that the program writes, and nobody else. */
  readonly results?: readonly string[]
  readonly retry?: Retry
  readonly timeout?: string
  readonly onCrash?: 'fail' | 'retry'
  readonly onInterrupt?: 'fail' | 'retry'
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const areTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

type Rule = readonly [check: (value: unknown) => boolean, expected: string]

const text: Rule = [isText, 'a text']
const choice: Rule = [(value) => value === 'fail' || value === 'retry', '"fail" or "retry"']

/** What each key must be; what a column or a duration must be is told when the processor is made. */
const rules: Readonly<Record<string, Rule>> = {
  command: [(value) => areTexts(value) && (value as unknown[]).length > 0, 'a program and its arguments, as a list'],
  table: text,
  summary: text,
  priority: [(value) => Number.isSafeInteger(value), 'a whole number'],
  exclusive: [(value) => typeof value === 'boolean', 'true or false'],
  exclusiveBy: [isExclusiveBy, 'a column, or { "key": "environment", "column": "target" }'],
  after: [(value) => isText(value) || areTexts(value), 'a column or a list of columns'],
  unique: [areTexts, 'a list of columns'],
  results: [areTexts, 'a list of columns'],
  retry: [(value) => typeof value === 'object' && value !== null && 'attempts' in value, 'such as { "attempts": 3 }'],
  timeout: text,
  onCrash: choice,
  onInterrupt: choice,
}

/** The declaration, or everything that is wrong with it, as the end of a sentence. */
export function parseCommandDeclaration(value: object): { declaration: CommandDeclaration } | { problem: string } {
  const given = value as Record<string, unknown>
  const known = Object.keys(rules)
  const problems = [
    ...Object.keys(given)
      .filter((key) => !known.includes(key))
      .map((key) => {
        const meant = nearest(key, known)
        return `"${key}" is no setting of a processor${meant === undefined ? '' : `, did you mean "${meant}"?`}`
      }),
    ...['command', 'table'].filter((key) => given[key] === undefined).map((key) => `"${key}" is missing`),
    ...Object.entries(rules)
      .filter(([key, [isRight]]) => given[key] !== undefined && !isRight(given[key]))
      .map(([key, [, expected]]) => `"${key}" must be ${expected}, not ${JSON.stringify(given[key])}`),
  ]
  return problems.length === 0
    ? { declaration: given as unknown as CommandDeclaration }
    : { problem: problems.join('; ') }
}
