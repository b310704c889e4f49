import { join } from 'node:path'
import { createTable, dialects } from '../task-table/create-table.ts'
import { toSnakeCase } from '../task-table/described-table.ts'
import { firstSnapshot } from './first-snapshot.ts'
import { constantOf, packageName } from './names.ts'
import { opsManifest, toolVersion } from './ops-package.ts'
import { migrationText, snapshotText } from './plan-migration.ts'
import { fillTemplateFolder, type PlannedFile } from './plugin-files.ts'
import { type ColumnSpec, type ProcessorSpec, tableOf } from './processor-spec.ts'

/**
 * The files of a new plugin with one processor.
 *
 * @param core how its package.json names ops
 */
export function planPlugin(spec: ProcessorSpec, core: string): PlannedFile[] {
  const { name, table, columns, priority, exclusiveBy } = spec
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
    nodeTypes: toolVersion('@types/node'),
    typescript: toolVersion('typescript'),
    drizzleKit: toolVersion('drizzle-kit'),
  })
  return [...files, ...migrationsOf(spec)]
}

/** Example flags for `ops enqueue`. */
export function flagsOf(columns: readonly ColumnSpec[]): string {
  const required = columns.filter(({ isRequired }) => isRequired)
  return (required.length > 0 ? required : columns.slice(0, 1))
    .map((column) => `--${toSnakeCase(column.key).replaceAll('_', '-')}${flagValue(column)}`)
    .join(' ')
}

function migrationsOf({ table: name, columns }: ProcessorSpec): PlannedFile[] {
  const table = tableOf(name, columns)
  return dialects.flatMap((dialect) => {
    const folder = join('migrations', dialect)
    return [
      { path: join(folder, `0000_${name}.sql`), text: migrationText(createTable(table, dialect)) },
      { path: join(folder, 'meta', '0000_snapshot.json'), text: snapshotText(firstSnapshot(table, dialect)) },
    ]
  })
}

function declaration({ key, type, values, isRequired }: ColumnSpec): string {
  const list = type === 'enumeration' ? `[${values.map((value) => `'${value}'`).join(', ')}]` : ''
  return `${key}: column.${type}(${list})${isRequired ? '.notNull()' : ''},`
}

function logLine({ key, type }: ColumnSpec): string {
  if (type === 'json') return `log(\`${key}: \${JSON.stringify(task.${key})}\`)`
  return `log(\`${key}: \${task.${key}}\`)`
}

/** An example value in TypeScript. */
function example({ type, values }: ColumnSpec): string {
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

/** An example value in a shell, after the flag. */
function flagValue({ type, values }: ColumnSpec): string {
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

/** Below 1.0.0, minor versions may break. */
function compatible(version: string): string {
  const [major, minor] = version.split('.')
  return `^${major}.${minor}.0`
}
