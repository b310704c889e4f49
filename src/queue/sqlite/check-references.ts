import { formatCount } from '../../format.ts'
import { type Check, failed, passed } from '../check.ts'
import { quote } from '../sql-fragments.ts'
import type { SqliteDatabase } from './open-database.ts'

/** To check millions of rows takes seconds, and a program that does not enforce references is found by its newest rows. */
const NEWEST_ROWS = 10_000

interface ReferenceRow {
  readonly child: string
  readonly without_rowid: number
  readonly id: number
  readonly parent: string
  readonly from: string
  /** Null if the parent does not exist. */
  readonly to: string | null
}

const REFERENCES = `select l.name as child, l.wr as without_rowid, f.id, f."table" as parent, f."from",
  coalesce(f."to", (select i.name from pragma_table_info(f."table") i where i.pk = f.seq + 1)) as "to"
from pragma_table_list l join pragma_foreign_key_list(l.name) f
where l.schema = 'main' and l.type = 'table' order by l.name, f.id, f.seq`

/** Each program decides for itself whether SQLite enforces references, and the default is off. */
export function checkReferences(database: SqliteDatabase): Check {
  const references = Map.groupBy(
    database.prepare(REFERENCES).all() as ReferenceRow[],
    ({ child, id }) => `${id} ${child}`,
  )
  const broken = new Map<string, number>()
  for (const columns of references.values()) {
    const { child } = columns[0]!
    const rows = database.prepare(countBroken(columns)).pluck().get() as number
    if (rows > 0) broken.set(child, (broken.get(child) ?? 0) + rows)
  }
  if (broken.size === 0) {
    const looked = formatCount(NEWEST_ROWS, 'row')
    return passed('references', `all rows exist that the newest ${looked} of each table reference`)
  }
  return failed('references', {
    code: 'BROKEN_REFERENCES',
    severity: 'error',
    message: `rows reference missing rows: ${Array.from(broken, ([table, rows]) => `${rows} of ${table}`).join(', ')}`,
    suggestions: [
      'correct the rows that this lists: pragma foreign_key_check',
      'let other programs enforce references when they connect: pragma foreign_keys = on',
    ],
  })
}

function countBroken(columns: readonly ReferenceRow[]): string {
  const { child, without_rowid: withoutRowId, parent, to } = columns[0]!
  const names = columns.map(({ from }) => quote(from))
  const newest = `select ${names.join(', ')} from ${quote(child)} ${withoutRowId ? '' : 'order by rowid desc '}limit ${NEWEST_ROWS}`
  const isSame = columns.map((column) => `p.${quote(column.to ?? '')} = c.${quote(column.from)}`)
  const isMissing =
    to === null ? '' : ` and not exists (select 1 from ${quote(parent)} p where ${isSame.join(' and ')})`
  return `select count(*) from (${newest}) c where ${names.map((name) => `c.${name} is not null`).join(' and ')}${isMissing}`
}
