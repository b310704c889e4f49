import { toSnakeCase } from '../task-table/described-table.ts'
import { sqlWords } from './sql-words.ts'

/** What begins the names of the packages of plugins. */
const PACKAGE_PREFIX = 'ops-plugin-'

/** npm allows so many characters for the name of a package. */
const LONGEST_PACKAGE = 214

/** PostgreSQL cuts names at 63 bytes, and those of ops' triggers and indexes are longer than that of the table. */
const LONGEST_TABLE = 40
const LONGEST_COLUMN = 63

export function packageName(name: string): string {
  return `${PACKAGE_PREFIX}${name}`
}

/** Why a processor, and the package that brings it, cannot have this name. */
export function nameProblem(name: string): string | undefined {
  if (name.startsWith(PACKAGE_PREFIX) || name.startsWith('@'))
    return `"${name}" is the name of a package; name the processor, such as "${shortened(name)}", and its package is ${packageName(shortened(name))}.`
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    return `"${name}" cannot be the name of a processor and of an npm package: lower case letters, digits and single dashes, beginning with a letter.`
  if (packageName(name).length > LONGEST_PACKAGE)
    return `"${name}" is too long for the name of an npm package: at most ${LONGEST_PACKAGE - PACKAGE_PREFIX.length} characters.`
  return undefined
}

export function tableProblem(table: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(table))
    return `"${table}" cannot be the name of a table: lower case letters, digits and _, beginning with a letter.`
  if (/^(ops|sqlite|pg)_/.test(table))
    return `"${table}" cannot be the name of a task table: those that begin with ops_, sqlite_ or pg_ are taken.`
  if (sqlWords.has(table)) return `"${table}" cannot be the name of a table: it is a word of SQL.`
  if (table.length > LONGEST_TABLE)
    return `"${table}" is too long for the name of a task table: at most ${LONGEST_TABLE} characters.`
  return undefined
}

/** @param key in camel case */
export function columnProblem(key: string): string | undefined {
  const name = toSnakeCase(key)
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    return `"${key}" cannot be the name of a column: letters, digits and _, beginning with a small letter.`
  if (sqlWords.has(name)) return `"${name}" cannot be the name of a column: it is a word of SQL.`
  if (name.length > LONGEST_COLUMN)
    return `"${name}" is too long for the name of a column: at most ${LONGEST_COLUMN} characters.`
  return undefined
}

/** The table that a processor has unless another is named: `send-mail` has `send_mails`. */
export function tableNameOf(processor: string): string {
  const name = processor.replaceAll('-', '_')
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`
}

export function camelCase(name: string): string {
  return name.replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** What the module of a processor imports, or the language has for itself; words that are no plurals stay out. */
const taken = new Set(
  `defineProcessor taskTable processor arguments await break case catch class const continue debugger default delete do
  else enum eval export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while with yield
  undefined`.split(/\s+/),
)

/** The constant that holds a table. */
export function constantOf(table: string): string {
  const name = camelCase(table)
  return taken.has(name) ? `${name}Table` : name
}

function shortened(name: string): string {
  return name.replace(/^@[^/]*\//, '').replace(/^(ops-)?plugin-/, '') || 'email'
}
