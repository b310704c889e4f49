import { join } from 'node:path'
import { createTable, dialects } from '../task-table/create-table.ts'
import { toSnakeCase } from '../task-table/described-table.ts'
import { type ColumnWish, wishedTable } from './column-wish.ts'
import { developedWith, opsManifest } from './developed-with.ts'
import { fillTemplateFolder } from './fill-template.ts'
import { constantOf, packageName } from './names.ts'
import { migrationText, snapshotText } from './plan-migration.ts'
import type { PlannedFile } from './planned-file.ts'
import { firstSnapshot } from './snapshot.ts'

/** A plugin with one processor, as somebody wants it. All of it is checked. */
export interface PluginWish {
  readonly name: string
  readonly table: string
  readonly columns: readonly ColumnWish[]
  readonly priority: number
  /** The key of a column. */
  readonly exclusiveBy: string | undefined
}

/**
 * The files of a new plugin.
 *
 * @param core how its package.json names the ops that it is developed with
 */
export function planPlugin(wish: PluginWish, core: string): PlannedFile[] {
  const { name, table, columns, priority, exclusiveBy } = wish
  const { version, dependencies } = opsManifest()
  const files = fillTemplateFolder('processor', {
    name,
    package: packageName(name),
    table,
    rows: constantOf(table),
    priority: String(priority),
    exclusiveBy,
    columns: columns.map(declaration),
    logs: columns.map(logLine),
    values: columns.map((column) => `${column.key}: ${example(column)},`),
    flags: flagsOf(columns),
    firstKey: columns[0]!.key,
    core,
    coreRange: compatible(version),
    drizzleRange: compatible(dependencies['drizzle-orm']!),
    nodeTypes: developedWith('@types/node'),
    typescript: developedWith('typescript'),
    drizzleKit: developedWith('drizzle-kit'),
  })
  return [...files, ...migrationsOf(wish)]
}

/** What `ops enqueue` has to be given. */
export function flagsOf(columns: readonly ColumnWish[]): string {
  return filled(columns)
    .map((column) => `--${columnName(column).replaceAll('_', '-')}${flagValue(column)}`)
    .join(' ')
}

function migrationsOf({ table: name, columns }: PluginWish): PlannedFile[] {
  const table = wishedTable(name, columns)
  return dialects.flatMap((dialect) => {
    const folder = join('migrations', dialect)
    return [
      { path: join(folder, `0000_${name}.sql`), text: migrationText(createTable(table, dialect)) },
      { path: join(folder, 'meta', '0000_snapshot.json'), text: snapshotText(firstSnapshot(table, dialect)) },
    ]
  })
}

function declaration({ key, type, values, isRequired }: ColumnWish): string {
  const list = type === 'enumeration' ? `[${values.map((value) => `'${value}'`).join(', ')}]` : ''
  return `${key}: column.${type}(${list})${isRequired ? '.notNull()' : ''},`
}

function logLine({ key, type }: ColumnWish): string {
  if (type === 'json') return `log(\`${key}: \${JSON.stringify(task.${key})}\`)`
  return `log(\`${key}: \${task.${key}}\`)`
}

/** In TypeScript. */
function example({ type, values }: ColumnWish): string {
  switch (type) {
    case 'text':
      return `'example'`
    case 'integer':
      return '1'
    case 'real':
      return '0.5'
    case 'boolean':
      return 'true'
    case 'json':
      return `{ example: true }`
    case 'timestamp':
      return `new Date('2030-01-01T00:00:00Z')`
    case 'enumeration':
      return `'${values[0]}'`
  }
}

/** In a shell, behind the flag. */
function flagValue({ type, values }: ColumnWish): string {
  switch (type) {
    case 'text':
      return ' example'
    case 'integer':
      return ' 1'
    case 'real':
      return ' 0.5'
    case 'boolean':
      return ''
    case 'json':
      return ` '{"example": true}'`
    case 'timestamp':
      return ' 2030-01-01T00:00:00Z'
    case 'enumeration':
      return ` ${values[0]}`
  }
}

function columnName({ key }: ColumnWish): string {
  return toSnakeCase(key)
}

/** The columns of an example: those that are required, or else the first. */
function filled(columns: readonly ColumnWish[]): readonly ColumnWish[] {
  const required = columns.filter(({ isRequired }) => isRequired)
  return required.length > 0 ? required : columns.slice(0, 1)
}

/** Below 1.0.0 a new minor version may break. */
function compatible(version: string): string {
  const [major, minor] = version.split('.')
  return `^${major}.${minor}.0`
}
