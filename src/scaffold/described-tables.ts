/** What is read of drizzle-kit's description of tables. */
export interface DescribedTables {
  readonly tables: Readonly<Record<string, DescribedTable>>
}

interface DescribedTable {
  readonly name: string
  readonly columns: Readonly<Record<string, DescribedColumn>>
}

interface DescribedColumn {
  readonly notNull: boolean
  readonly default?: unknown
}

/**
 * Where SQLite cannot alter a table, drizzle-kit makes it anew and copies the rows, and it copies columns too that the
 * old table does not have. Those are left out here: they get their default.
 */
export function copyOldColumns(statements: readonly string[], from: DescribedTables): string[] {
  const columns = new Map(
    Object.entries(from.tables).map(([table, described]) => [table, new Set(Object.keys(described.columns))]),
  )
  return statements.map((statement) => {
    const renamed = /^ALTER TABLE `(\w+)` RENAME COLUMN [`"](\w+)[`"] TO [`"](\w+)[`"]/i.exec(statement)
    if (renamed) columns.get(renamed[1]!)?.add(renamed[3]!)
    const added = /^ALTER TABLE `(\w+)` ADD (?:COLUMN )?[`"](\w+)[`"]/i.exec(statement)
    if (added) columns.get(added[1]!)?.add(added[2]!)
    const copy = /^INSERT INTO `(\w+)`\(([^)]*)\) SELECT ([^)]*) FROM `(\w+)`;$/i.exec(statement)
    const old = copy && columns.get(copy[4]!)
    if (!old) return statement
    const kept = copy[3]!.split(', ').filter((column) => old.has(column.replaceAll('"', '')))
    return `INSERT INTO \`${copy[1]}\`(${kept.join(', ')}) SELECT ${kept.join(', ')} FROM \`${copy[4]}\`;`
  })
}

/** Columns that are new in a table, may not be null and have no default: rows that are there have nothing for them. */
export function unfilledColumns(from: DescribedTables, to: DescribedTables): string[] {
  return Object.entries(to.tables).flatMap(([key, { name: table, columns }]) => {
    const old = from.tables[key]
    if (!old) return []
    return Object.entries(columns)
      .filter(([name, column]) => !(name in old.columns) && column.notNull && column.default === undefined)
      .map(([name]) => `${table}.${name}`)
  })
}
