import type { Sql } from '../support/invariants.ts'
import type { DatabaseKind } from '../support/test-database.ts'
import type { Random } from './random.ts'

/** Something that an application does to a table of its own, in one transaction. */
export type SchemaChange = (run: Sql, table: string, random: Random) => Promise<void>

export const schemaChanges: Readonly<Record<DatabaseKind['name'], readonly SchemaChange[]>> = {
  SQLite: [dropInSqlite('trigger'), dropInSqlite('index'), addColumn, rebuildInSqlite],
  // The last one loses the references of other tables.
  PostgreSQL: [dropTriggers, dropIndexes, disableTriggers, addColumn, restoreRows, rebuildInPostgres],
}

function dropInSqlite(type: 'trigger' | 'index'): SchemaChange {
  return async (run, table, random) => {
    const found = await run(`select name from sqlite_master where type = '${type}' and tbl_name = '${table}'
      and name glob 'ops_*'`)
    for (const { name } of found) if (random.happens(0.7)) await run(`drop ${type} "${name}"`)
  }
}

async function addColumn(run: Sql, table: string): Promise<void> {
  await run(`alter table ${table} add column extra integer`)
  await run(`alter table ${table} drop column extra`)
}

/** By the twelve steps of sqlite.org/lang_altertable.html; those that keep the indexes and triggers are often forgotten. */
async function rebuildInSqlite(run: Sql, table: string, random: Random): Promise<void> {
  const made = await run(`select type, sql from sqlite_master where tbl_name = '${table}' and sql is not null`)
  const [create] = made.filter(({ type }) => type === 'table')
  await run(String(create!.sql).replace(/^create table "?\w+"?/i, `create table "${table}_new"`))
  await run(`insert into ${table}_new select * from ${table}`)
  await run(`drop table ${table}`)
  await run(`alter table ${table}_new rename to ${table}`)
  if (random.happens(0.5)) for (const { type, sql } of made) if (type !== 'table') await run(String(sql))
}

async function dropTriggers(run: Sql, table: string, random: Random): Promise<void> {
  const found = await run(
    `select tgname as name from pg_trigger where tgrelid = '${table}'::regclass and not tgisinternal`,
  )
  for (const { name } of found) if (random.happens(0.7)) await run(`drop trigger "${name}" on ${table}`)
}

async function dropIndexes(run: Sql, table: string): Promise<void> {
  const found = await run(
    `select indexname as name from pg_indexes where tablename = '${table}' and indexname like 'ops\\_%'`,
  )
  for (const { name } of found) await run(`drop index "${name}"`)
}

async function disableTriggers(run: Sql, table: string): Promise<void> {
  await run(`alter table ${table} disable trigger user`)
}

/** As by `pg_restore --data-only --disable-triggers`. */
async function restoreRows(run: Sql, table: string): Promise<void> {
  await run(`alter table ${table} disable trigger all`)
  await run(`create temp table saved on commit drop as select * from ${table}`)
  await run(`delete from ${table}`)
  await run(`insert into ${table} overriding system value select * from saved`)
  await run(`alter table ${table} enable trigger all`)
}

async function rebuildInPostgres(run: Sql, table: string, random: Random): Promise<void> {
  await run(`lock table ${table} in access exclusive mode`)
  const including = random.happens(0.5) ? 'including indexes' : ''
  await run(`create table ${table}_new (like ${table} including defaults including identity ${including})`)
  if (including === '') await run(`alter table ${table}_new add primary key (id)`)
  await run(`insert into ${table}_new overriding system value select * from ${table}`)
  await run(`drop table ${table} cascade`)
  await run(`alter table ${table}_new rename to ${table}`)
  if (table === 'syncs') await run('alter table syncs add foreign key (after_id) references syncs (id)')
  await run(`select setval(pg_get_serial_sequence('${table}', 'id'), greatest(1, (select max(id) from ${table})))`)
}
