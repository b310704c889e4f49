import { toSnakeCase } from '../task-table/described-table.ts'

const PACKAGE_PREFIX = 'ops-plugin-'

/** npm's limit. */
const MAX_PACKAGE = 214

/** PostgreSQL cuts names at 63 bytes, and triggers and indexes of ops have longer names than their table. */
const MAX_TABLE = 40
const MAX_COLUMN = 63

export function packageName(name: string): string {
  return `${PACKAGE_PREFIX}${name}`
}

/** Why a processor and its package cannot have this name. */
export function nameProblem(name: string): string | undefined {
  if (name.startsWith(PACKAGE_PREFIX) || name.startsWith('@'))
    return `"${name}" is a package name; use the name of the processor, "${shortened(name)}", for the package ${packageName(shortened(name))}.`
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    return `Invalid processor name "${name}": expected lower case letters, digits and single dashes, starting with a letter.`
  if (packageName(name).length > MAX_PACKAGE)
    return `Invalid processor name: longer than ${MAX_PACKAGE - PACKAGE_PREFIX.length} characters.`
  return undefined
}

export function tableProblem(table: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(table))
    return `Invalid table name "${table}": expected lower case letters, digits and _, starting with a letter.`
  if (/^(ops|sqlite|pg)_/.test(table))
    return `Invalid table name "${table}": the prefixes ops_, sqlite_ and pg_ are reserved.`
  if (SQL_KEYWORDS.has(table)) return `Invalid table name "${table}": it is an SQL keyword.`
  if (table.length > MAX_TABLE) return `Invalid table name "${table}": longer than ${MAX_TABLE} characters.`
  return undefined
}

/** @param key in camel case */
export function columnProblem(key: string): string | undefined {
  const name = toSnakeCase(key)
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    return `Invalid column name "${key}": expected letters, digits and _, starting with a lower case letter.`
  if (SQL_KEYWORDS.has(name)) return `Invalid column name "${name}": it is an SQL keyword.`
  if (name.length > MAX_COLUMN) return `Invalid column name "${name}": longer than ${MAX_COLUMN} characters.`
  return undefined
}

/** The default table of a processor: `send_mails` for `send-mail`. */
export function tableNameOf(processor: string): string {
  const name = processor.replaceAll('-', '_')
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`
}

export function camelCase(name: string): string {
  return name.replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Imports of the generated module, and reserved words of JavaScript. */
const reservedNames = new Set(
  `defineProcessor taskTable processor arguments await break case catch class const continue debugger default delete do
  else enum eval export extends false finally for function if implements import in instanceof interface let new null
  package private protected public return static super switch this throw true try typeof var void while with yield
  undefined`.split(/\s+/),
)

/** The name of the constant for a table. */
export function constantOf(table: string): string {
  const name = camelCase(table)
  return reservedNames.has(name) ? `${name}Table` : name
}

function shortened(name: string): string {
  return name.replace(/^@[^/]*\//, '').replace(/^(ops-)?plugin-/, '') || 'email'
}

/** Keywords of SQLite or PostgreSQL that must be quoted as the name of a table or column. */
export const SQL_KEYWORDS: ReadonlySet<string> = new Set(
  `add all alter analyse analyze and any array as asc asymmetric authorization autoincrement between binary both case
  cast check collate collation column commit concurrently constraint create cross current_catalog current_date
  current_role current_schema current_time current_timestamp current_user default deferrable delete desc distinct do
  drop else end escape except exists false fetch for foreign freeze from full grant group having if ilike in index
  initially inner insert intersect into is isnull join lateral leading left like limit localtime localtimestamp natural
  not nothing notnull null offset on only or order outer overlaps placing primary raise references returning right
  select session_user set similar some symmetric system_user table tablesample then to trailing transaction true union
  unique update user using values variadic verbose when where window with`.split(/\s+/),
)
