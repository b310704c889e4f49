import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MigrationSource, QueuedTable } from '../../../src/queue/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { connect, openQueue, postgresFixture, postgresMissing, postgresUrl } from '../../support/postgres-fixture.ts'
import { queued } from '../../support/queued.ts'
import { startProgram } from '../../support/start-program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { unless } from '../../support/unless.ts'
import { builds, queuedBuilds, queuedDeployments, queuedSyncs } from '../tables.ts'

const createBuilds = createTaskTable(builds, 'postgres')

/** A plugin's folder of migrations. */
function source(files: Readonly<Record<string, string>>, name = 'ops-plugin-build'): MigrationSource {
  const directory = temporaryFolder()
  mkdirSync(join(directory, 'postgres', 'meta'), { recursive: true })
  change({ name, directory }, files)
  return { name, directory }
}

function change({ directory }: MigrationSource, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, 'postgres', file), text)
}

/** What there is in a database, but for ops' record of when. */
const schema = `select relname::text as name, relkind::text as kind, pg_get_indexdef(oid) as sql from pg_class
  where relnamespace = 'public'::regnamespace
  union all select tgname, 'trigger', pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
  union all select proname, 'function', pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  order by 1, 2`

const namesOf = (steps: readonly { name: string; change: string }[]) =>
  steps.map(({ name, change }) => `${change} ${name}`)

describe('an empty database', unless(postgresMissing), () => {
  it('is migrated as planned, and the plan changes nothing', async () => {
    const url = await postgresUrl()
    const raw = await connect(url)
    const before = (await raw.query(schema)).rows
    const plugin = source({ '0000_builds.sql': createBuilds })
    const queue = openQueue(url)
    const planned = await queue.planMigration([plugin], [queuedBuilds])
    expect(planned.slice(0, 2)).toEqual([
      { kind: 'migration', source: 'core', name: '0000_core', change: 'create' },
      { kind: 'migration', source: 'ops-plugin-build', name: '0000_builds', change: 'create' },
    ])
    expect(planned.slice(2).every(({ kind, source }) => kind === 'guarantee' && source === 'builds')).toBe(true)
    expect((await raw.query(schema)).rows).toEqual(before)
    expect(await queue.migrate([plugin], [queuedBuilds])).toEqual(planned)
    expect(await queue.migrate([plugin], [queuedBuilds])).toEqual([])
    expect(await queue.planMigration([plugin], [queuedBuilds])).toEqual([])
  })

  it('is migrated once by three concurrent processes', async () => {
    const url = await postgresUrl()
    const { directory } = source({
      '0000_builds.sql': createBuilds,
      '0001_note.sql': 'alter table builds add note text',
    })
    const program = join(import.meta.dirname, '..', 'programs', 'migrate.ts')
    const migrating = [1, 2, 3].map(() => startProgram(program, url, directory))
    for (const process of migrating) expect(await process.line()).toBe('ready')
    for (const process of migrating) process.say('go')
    const done = await Promise.all(migrating.map(async (process) => JSON.parse(await process.line())))
    const names = done.flat().map(({ name }) => name)
    expect(names.slice(0, 3).sort()).toEqual(['0000_builds', '0000_core', '0001_note'])
    expect(names).toEqual([...new Set(names)])
    const plugin = { name: 'ops-plugin-build', directory }
    expect(await openQueue(url).planMigration([plugin], [queuedBuilds])).toEqual([])
  })

  it('can be a schema that clients of other schemas reach', async () => {
    const url = await postgresUrl()
    const raw = await connect(url)
    await raw.query('create schema shop')
    const inSchema = new URL(url)
    inSchema.searchParams.set('options', '-c search_path=shop')
    const queue = openQueue(inSchema.href)
    await queue.migrate([source({ '0000_builds.sql': createBuilds })], [queuedBuilds])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
    await raw.query(`insert into shop.builds (repository) values ('a')`)
    const claim = (await queue.claim([queuedBuilds]))!
    expect(claim.task).toMatchObject({ repository: 'a' })
    await queue.settle(claim.run, { kind: 'failed', error: 'no such host' })
    await raw.query(`update shop.builds set status = 'pending'`)
    expect((await raw.query('select event from shop.ops_audit order by id')).rows).toEqual(
      ['enqueued', 'started', 'failed', 'retried'].map((event) => ({ event })),
    )
  })
})

describe('a migration', unless(postgresMissing), () => {
  it('that fails is named, and nothing is kept', async () => {
    const { queue, rows } = await postgresFixture([])
    const plugin = source({
      '0000_builds.sql': createBuilds,
      '0001_note.sql': 'alter table builds add note text;\n--> statement-breakpoint\nalter table bilds add more text',
    })
    const before = await rows(schema)
    await expect(queue.migrate([plugin], [queuedBuilds])).rejects.toThrow(
      'The migration "0001_note" of ops-plugin-build failed and was rolled back: relation "bilds" does not exist.',
    )
    expect(await rows(schema)).toEqual(before)
    change(plugin, { '0001_note.sql': 'alter table builds add note text' })
    const steps = await queue.migrate([plugin], [queuedBuilds])
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'migration', name: '0000_builds' }))
  })

  it('that has changed since it was applied is refused, as are later ones', async () => {
    const { queue, rows } = await postgresFixture([])
    const plugin = source({ '0000_builds.sql': createBuilds })
    await queue.migrate([plugin], [queuedBuilds])
    const before = await rows(schema)
    change(plugin, {
      '0000_builds.sql': `${createBuilds} -- changed`,
      '0001_note.sql': 'create table notes (note text)',
    })
    const refusal = 'The migration "0000_builds" of ops-plugin-build was changed after it was applied'
    await expect(queue.planMigration([plugin], [queuedBuilds])).rejects.toThrow(refusal)
    await expect(queue.migrate([plugin], [queuedBuilds])).rejects.toThrow(refusal)
    expect(await rows(schema)).toEqual(before)
  })

  it('is applied in the order of names', async () => {
    const { queue } = await postgresFixture([])
    const plugin = source({
      '0002_c.sql': 'alter table a add c text',
      '0000_a.sql': 'create table a (a text)',
      '0001_b.sql': 'alter table a add b text',
      'README.md': 'no migration',
    })
    const other = source({ '0000_a.sql': 'create table z (z text)' }, 'ops-plugin-other')
    const steps = await queue.migrate([plugin, other], [])
    expect(steps.map(({ source, name }) => `${source} ${name}`)).toEqual([
      'ops-plugin-build 0000_a',
      'ops-plugin-build 0001_b',
      'ops-plugin-build 0002_c',
      'ops-plugin-other 0000_a',
    ])
  })
})

describe('the guarantees of a table', unless(postgresMissing), () => {
  it('are installed when the table exists', async () => {
    const { queue } = await postgresFixture([])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
    expect(await queue.migrate([], [queuedBuilds])).toEqual([])
    const [migration, ...guarantees] = await queue.migrate(
      [source({ '0000_builds.sql': createBuilds })],
      [queuedBuilds],
    )
    expect(migration).toMatchObject({ kind: 'migration', name: '0000_builds' })
    expect(guarantees.length).toBeGreaterThan(5)
  })

  it('that depend on exclusivity are replaced when it changes', async () => {
    const { queue, raw } = await postgresFixture([queuedBuilds, queuedDeployments])
    const alone: QueuedTable = { ...queuedDeployments, exclusivity: { kind: 'table', key: 'processor:deployment' } }
    expect(namesOf(await queue.migrate([], [alone]))).toEqual([
      'drop ops_deployments_due_by_key',
      'replace ops_deployments_changed',
      'replace ops_deployments_claim',
    ])
    await raw.query(`insert into deployments (environment) values ('a'), ('b')`)
    await raw.query(`update deployments set status = 'ongoing' where id = 1`)
    const second = `update deployments set status = 'ongoing' where id = 2`
    await expect(raw.query(second)).rejects.toThrow('"processor:deployment" is held')
    expect(await queue.claim([alone])).toBeUndefined()
    expect(namesOf(await queue.migrate([], [queuedDeployments])).sort()).toEqual([
      'create ops_deployments_due_by_key',
      'replace ops_deployments_changed',
      'replace ops_deployments_claim',
    ])
    await raw.query(second)
  })

  it('are restored if dropped, changed or disabled', async () => {
    const { queue, raw } = await postgresFixture([queuedBuilds])
    await raw.query(`
      drop trigger ops_builds_deleted on builds; drop index ops_builds_due; drop function ops_builds_settle;
      alter table builds disable trigger ops_builds_inserted;
      create or replace function ops_builds_changed() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger ops_builds_old after delete on builds for each row execute function ops_builds_deleted();
      comment on function ops_builds_claim is null`)
    expect(namesOf(await queue.migrate([], [queuedBuilds])).sort()).toEqual([
      'create ops_builds_deleted',
      'create ops_builds_due',
      'create ops_builds_settle',
      'drop ops_builds_old',
      'replace ops_builds_changed',
      'replace ops_builds_claim',
      'replace ops_builds_inserted',
    ])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
    await raw.query(`insert into builds (repository) values ('a')`)
    await expect(raw.query(`update builds set status = 'succeeded'`)).rejects.toThrow('cannot go from')
  })

  it('do not affect the application’s own triggers, functions and indexes', async () => {
    const { queue, raw, rows } = await postgresFixture([queuedBuilds])
    await raw.query(`
      create index builds_by_repository on builds (repository);
      create function ops_builds_of_the_day() returns int language sql as 'select 1';
      create function tell() returns trigger language plpgsql as $$ begin return new; end $$;
      create trigger tell before insert on builds for each row execute function tell()`)
    const before = await rows(schema)
    expect(await queue.migrate([], [queuedBuilds])).toEqual([])
    expect(await rows(schema)).toEqual(before)
  })

  it('are kept apart if one table name starts with the other', async () => {
    const old = queued(taskTable('builds_old', (column) => ({ repository: column.text() })))
    const { queue } = await postgresFixture([queuedBuilds, old])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
    expect(await queue.planMigration([], [old])).toEqual([])
    await queue.enqueue(old.table, [{}])
    expect((await queue.claim([old]))!.run.taskId).toBe(1)
  })

  it('have unique names if the table name is long', async () => {
    const name = 'deployments_of_the_second_and_third_data_center_in_europe'
    const tables = ['a', 'b'].map((last) =>
      queued(taskTable(`${name}_${last}`, (column) => ({ environment: column.text() }))),
    )
    const { queue } = await postgresFixture(tables)
    expect(await queue.planMigration([], tables)).toEqual([])
    for (const { table } of tables) await queue.enqueue(table, [{}])
    const { run } = (await queue.claim(tables))!
    const { next } = await queue.settle(run, { kind: 'succeeded', columns: {} }, tables)
    expect(next!.run.queued).toBe(tables[1])
  })

  it('are restored on a table that a migration rebuilds', async () => {
    const { queue, raw } = await postgresFixture([queuedBuilds])
    const plugin = source({ '0001_rebuild.sql': `drop table builds;\n--> statement-breakpoint\n${createBuilds}` })
    const [migration, ...guarantees] = await queue.migrate([plugin], [queuedBuilds])
    expect(migration).toMatchObject({ name: '0001_rebuild' })
    expect(guarantees.map(({ change }) => change)).toContain('create')
    expect(await queue.planMigration([plugin], [queuedBuilds])).toEqual([])
    await raw.query(`insert into builds (repository) values ('a')`)
    expect((await queue.claim([queuedBuilds]))!.run.taskId).toBe(1)
  })

  it('are refused with the reason if waiting tasks violate them', async () => {
    const { queue, raw } = await postgresFixture([])
    await raw.query(createTaskTable(queuedSyncs.table, 'postgres'))
    await raw.query(`insert into syncs (environment) values ('a'), ('a')`)
    await expect(queue.migrate([], [queuedSyncs])).rejects.toThrow(
      'The migration "ops_syncs_unique" of syncs failed and was rolled back: could not create unique index',
    )
  })
})

describe('sequences that are behind the numbers in the tables', unless(postgresMissing), () => {
  const restored = async () => {
    const fixture = await postgresFixture([queuedBuilds])
    const { queue, raw } = fixture
    await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    const { run } = (await queue.claim([queuedBuilds]))!
    await queue.settle(run, { kind: 'succeeded', columns: {} })
    await raw.query(
      `select setval('ops_sequence', 1, false), setval(pg_get_serial_sequence('ops_workers', 'lock_id'), 1, false)`,
    )
    return { ...fixture, other: openQueue(fixture.url) }
  }
  const claimNext = async (queue: ReturnType<typeof openQueue>) => (await queue.claim([queuedBuilds]))?.run.taskId

  it('are found by doctor and set forward by a migration', async () => {
    const { other } = await restored()
    const check = async () => (await other.checkDatabase()).find(({ name }) => name === 'sequences')
    expect((await check())!.problem).toMatchObject({
      code: 'SEQUENCE_BEHIND',
      suggestions: ['set them forward: ops migrate'],
    })
    const steps = ['replace ops_sequence', 'replace public.ops_workers_lock_id_seq']
    expect(namesOf(await other.planMigration([], []))).toEqual(steps)
    expect(namesOf(await other.migrate([], [queuedBuilds]))).toEqual(steps)
    expect(await other.migrate([], [queuedBuilds])).toEqual([])
    expect((await check())!.status).toBe('ok')
    expect(await claimNext(other)).toBe(2)
  })

  it('are set forward at the start of a worker, and never back', async () => {
    const { other, value, raw } = await restored()
    await other.startWorker({ id: 'two', host: 'here', pid: process.pid, version: '0' })
    expect(await claimNext(other)).toBe(2)
    await raw.query(`select setval('ops_sequence', 5000000)`)
    expect(await other.planMigration([], [])).toEqual([])
    expect(await value('select last_value from ops_sequence')).toBe(5_000_000)
  })
})
