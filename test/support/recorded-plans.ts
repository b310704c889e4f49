import Database from 'better-sqlite3'
import pg from 'pg'
import { openSession } from '../../src/queue/postgres/open-session.ts'

interface Sent {
  readonly text: string
  readonly values?: readonly unknown[] | undefined
}

/** How a statement reads a table: `ops_runs by ops_runs_pkey`, or `ops_runs whole`. */
export interface Access {
  readonly read: string
  /** How many rows, where the database says so. */
  readonly rows?: number
}

/** How the statements that a piece of work sends to a SQLite file read tables, each way once. */
export async function accessesInSqlite(file: string, work: () => Promise<unknown>): Promise<Access[]> {
  const database = new Database(file, { readonly: true })
  const sent = await recorded(
    Object.getPrototypeOf(database.prepare('select 1')),
    ['get', 'all', 'run'],
    work,
    (it) => ({
      text: (it as Database.Statement).source,
    }),
  )
  const accesses = sent.flatMap(({ text }) => detailsOf(database, text).flatMap((detail) => accessOf(detail) ?? []))
  database.close()
  return [...new Set(accesses)].map((read) => ({ read }))
}

function detailsOf(database: Database.Database, text: string): string[] {
  if (!/^\s*(select|with|insert|update|delete)/i.test(text)) return []
  const named = Object.fromEntries(Array.from(text.matchAll(/@(\w+)/g), ([, name]) => [name, null]))
  const places = Array.from(text.matchAll(/\?/g), () => null)
  const rows = database.prepare(`explain query plan ${text}`).all(...places, named) as { detail: string }[]
  return rows.map(({ detail }) => detail)
}

function accessOf(detail: string): string | undefined {
  const [, way, table, index] =
    /^(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(?:INDEX )?(PRIMARY KEY|INTEGER PRIMARY KEY|[\w.]+))?/.exec(detail) ??
    []
  if (table === undefined || table === 'CONSTANT') return undefined
  return way === 'SEARCH' ? `${table} by ${index}` : `${table} in the order of ${index ?? 'its key'}`
}

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows'?: number
  'Actual Loops'?: number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}

/** The same for a PostgreSQL database, with the rows of each. */
export async function accessesInPostgres(url: string, work: () => Promise<unknown>): Promise<Access[]> {
  const sent = await recorded(pg.Client.prototype, ['query'], work, (_, [query]) =>
    typeof query === 'string' ? { text: query } : (query as Sent),
  )
  const session = await openSession(url)
  const rows = new Map<string, number>()
  await session.query('begin')
  for (const { text, values } of sent) {
    // Those that only read; settings hold for those after them.
    if (/^\s*set /i.test(text)) await session.query(text)
    if (!/^\s*(select|with) /i.test(text) || /_(claim|settle)"\(/.test(text)) continue
    const [row] = await session.query(`explain (analyze, format json) ${text}`, values)
    for (const node of nodesOf(row!['QUERY PLAN'][0].Plan)) {
      const name = node['Node Type'] === 'Seq Scan' ? `${node['Relation Name']} whole` : node['Index Name']
      if (name === undefined) continue
      const read =
        (node['Actual Rows'] ?? 0) +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0)
      rows.set(name, Math.max(rows.get(name) ?? 0, read * (node['Actual Loops'] ?? 0)))
    }
  }
  await session.query('rollback')
  await session.close()
  return Array.from(rows, ([read, count]) => ({ read, rows: count }))
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

/** What a piece of work gives to these methods. */
async function recorded(
  prototype: object,
  methods: readonly string[],
  work: () => Promise<unknown>,
  toSent: (it: unknown, args: readonly unknown[]) => Sent,
): Promise<Sent[]> {
  const target = prototype as Record<string, (...args: unknown[]) => unknown>
  const sent: Sent[] = []
  const own = methods.map((name) => [name, target[name]!] as const)
  for (const [name, method] of own) {
    target[name] = function (this: unknown, ...args) {
      sent.push(toSent(this, args))
      return method.apply(this, args)
    }
  }
  try {
    await work()
  } finally {
    for (const [name, method] of own) target[name] = method
  }
  return sent
}
