import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'

/** What a database is like before the first row of a test. */
export interface EmptyState {
  /** Changes with everything but rows of tables that were empty. */
  readonly fingerprint: string
  /** Statements that make it so again. */
  readonly emptying: string
}

/** Every change of a catalog's row gives it a younger transaction; a row that is gone shows in the count. */
const CATALOGS = [
  ...['pg_class', 'pg_attribute', 'pg_attrdef', 'pg_index', 'pg_constraint', 'pg_trigger', 'pg_proc', 'pg_type'],
  ...[
    'pg_namespace',
    'pg_policy',
    'pg_rewrite',
    'pg_extension',
    'pg_event_trigger',
    'pg_statistic',
    'pg_statistic_ext',
  ],
  ...['pg_default_acl', 'pg_publication', 'pg_largeobject'],
]

const ORDINARY_TABLES = `select format('%I.%I', schemaname, tablename) as name from pg_tables
  where schemaname not in ('pg_catalog', 'information_schema') order by 1`

export async function readEmptyState(client: pg.Client): Promise<EmptyState> {
  const tables: string[] = (await client.query(ORDINARY_TABLES)).rows.map(({ name }) => name)
  const filled: string[] = []
  for (const table of tables) {
    const { rowCount } = await client.query(`select from ${table} limit 1`)
    if (rowCount) filled.push(table)
  }
  const { rows: sequences } = await client.query(
    `select format('%I.%I', schemaname, sequencename) as name, start_value as start, last_value as last from pg_sequences`,
  )
  const untouched = sequences.filter(({ last }) => last === null)
  const fingerprint = fingerprintOf(filled)
  return {
    fingerprint: `${fingerprint}\n${await read(client, fingerprint)}`,
    emptying: [
      // Neither the triggers of ops nor foreign keys have a say.
      'set session_replication_role = replica',
      ...tables.filter((table) => !filled.includes(table)).map((table) => `delete from ${table}`),
      ...untouched.map(({ name, start }) => `select setval('${name}', ${start}, false)`),
      'reset session_replication_role',
    ].join('; '),
  }
}

/** Empties a database. False when it cannot be made what it was: more than rows has changed, or it is still in use. */
export async function isEmptied(client: pg.Client, { fingerprint, emptying }: EmptyState): Promise<boolean> {
  await client.query('rollback')
  await client.query('discard all')
  const [query, expected] = fingerprint.split('\n')
  if ((await read(client, query!)) !== expected || !(await isAlone(client))) return false
  await client.query(emptying)
  return true
}

function fingerprintOf(filled: readonly string[]): string {
  const states = [
    ...CATALOGS.map((catalog) => `select count(*) || ' ' || coalesce(max(xmin::text::bigint), 0) from ${catalog}`),
    ...filled.map((table) => `select md5(string_agg(row::text, ' ' order by row::text)) from ${table} as row`),
    `select string_agg(setting::text, ' ') from pg_db_role_setting as setting
      where setdatabase = (select oid from pg_database where datname = current_database())`,
  ]
  return `select concat_ws(', ', ${states.map((state) => `(${state.replaceAll(/\s+/g, ' ')})`).join(', ')}) as state`
}

async function read(client: pg.Client, fingerprint: string): Promise<string> {
  return (await client.query(fingerprint)).rows[0].state
}

/** Connections that were closed a moment ago are still on their way out. */
async function isAlone(client: pg.Client): Promise<boolean> {
  const others = `select from pg_stat_activity where datname = current_database()
    and pid <> pg_backend_pid() and backend_type = 'client backend'`
  for (let looks = 0; looks < 200; looks += 1) {
    if ((await client.query(others)).rowCount === 0) return true
    await delay(5)
  }
  return false
}
