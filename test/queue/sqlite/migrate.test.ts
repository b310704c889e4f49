import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { MigrationSource, QueuedTable } from '../../../src/queue/queue.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { openQueue, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { startProgram } from '../../support/start-program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { builds, queuedBuilds, queuedDeployments } from '../tables.ts'

/** A plugin's folder of migrations, in which the files are written in this order. */
function source(files: Readonly<Record<string, string>>, name = 'ops-plugin-build'): MigrationSource {
  const directory = temporaryFolder()
  mkdirSync(join(directory, 'sqlite', 'meta'), { recursive: true })
  change({ name, directory }, files)
  return { name, directory }
}

function change({ directory }: MigrationSource, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, 'sqlite', file), text)
}

const newFile = () => join(temporaryFolder(), 'state', 'ops.db')

/** What is in a database, but for ops' record of when. */
function schemaOf(file: string): unknown {
  const database = new Database(file)
  try {
    return database.prepare('select name, sql from sqlite_master order by name').all()
  } finally {
    database.close()
  }
}

describe('a new database', () => {
  it('is created with its folder, as planned', async () => {
    const file = newFile()
    const plugin = source({ '0000_builds.sql': createTaskTable(builds) })
    const queue = openQueue(file)
    const planned = await queue.planMigration([plugin], [queuedBuilds])
    expect(planned.slice(0, 5)).toEqual([
      { kind: 'create_database', source: 'core', name: file, change: 'create' },
      { kind: 'migration', source: 'core', name: '0000_core', change: 'create' },
      { kind: 'migration', source: 'core', name: '0001_holds_and_schedules', change: 'create' },
      { kind: 'migration', source: 'core', name: '0002_schedules_and_workers', change: 'create' },
      { kind: 'migration', source: 'ops-plugin-build', name: '0000_builds', change: 'create' },
    ])
    expect(planned.slice(5).every(({ kind, source }) => kind === 'guarantee' && source === 'builds')).toBe(true)
    expect(await queue.migrate([plugin], [queuedBuilds])).toEqual(planned)
    expect(await queue.migrate([plugin], [queuedBuilds])).toEqual([])
  })

  it('is not created by a plan', async () => {
    const file = newFile()
    await openQueue(file).planMigration([], [])
    expect(() => new Database(file, { fileMustExist: true })).toThrow()
  })

  it('is created once by two concurrent processes', async () => {
    const file = newFile()
    const { directory } = source({
      '0000_builds.sql': createTaskTable(builds),
      '0001_note.sql': 'alter table builds add note text',
    })
    const program = join(import.meta.dirname, '..', 'programs', 'migrate.ts')
    const migrating = [1, 2, 3].map(() => startProgram(program, `sqlite:${file}`, directory))
    for (const process of migrating) expect(await process.line()).toBe('ready')
    for (const process of migrating) process.say('go')
    const done = await Promise.all(migrating.map(async (process) => JSON.parse(await process.line())))
    const names = done.flat().flatMap(({ kind, name }) => (kind === 'create_database' ? [] : [name]))
    expect(names.slice(0, 5).sort()).toEqual([
      '0000_builds',
      '0000_core',
      '0001_holds_and_schedules',
      '0001_note',
      '0002_schedules_and_workers',
    ])
    expect(names).toEqual([...new Set(names)])
    const queue = openQueue(file)
    expect(await queue.planMigration([{ name: 'ops-plugin-build', directory }], [queuedBuilds])).toEqual([])
  })
})

describe('a migration', () => {
  it('that fails is named, and nothing is kept', async () => {
    const { file, queue } = await sqliteFixture([])
    const plugin = source({
      '0000_builds.sql': createTaskTable(builds),
      '0001_note.sql': 'alter table builds add note text;\n--> statement-breakpoint\nalter table bilds add more text',
    })
    const before = schemaOf(file)
    await expect(queue.migrate([plugin], [queuedBuilds])).rejects.toThrow(
      'The migration "0001_note" of ops-plugin-build failed and was rolled back: no such table: bilds.',
    )
    expect(schemaOf(file)).toEqual(before)
    change(plugin, { '0001_note.sql': 'alter table builds add note text' })
    expect(await queue.migrate([plugin], [queuedBuilds])).toContainEqual(
      expect.objectContaining({ kind: 'migration', name: '0000_builds' }),
    )
  })

  it('that has changed since it was applied is refused, as are later ones', async () => {
    const { file, queue } = await sqliteFixture([])
    const plugin = source({ '0000_builds.sql': createTaskTable(builds) })
    await queue.migrate([plugin], [queuedBuilds])
    const before = schemaOf(file)
    change(plugin, {
      '0000_builds.sql': `${createTaskTable(builds)} -- changed`,
      '0001_note.sql': 'create table notes (note)',
    })
    const refusal = 'The migration "0000_builds" of ops-plugin-build was changed after it was applied'
    await expect(queue.planMigration([plugin], [queuedBuilds])).rejects.toThrow(refusal)
    await expect(queue.migrate([plugin], [queuedBuilds])).rejects.toThrow(refusal)
    expect(schemaOf(file)).toEqual(before)
  })

  it('is applied in the order of names', async () => {
    const { queue } = await sqliteFixture([])
    const plugin = source({
      '0002_c.sql': 'alter table a add c text',
      '0000_a.sql': 'create table a (a text)',
      '0001_b.sql': 'alter table a add b text',
      'README.md': 'no migration',
    })
    const other = source({ '0000_first.sql': 'create table z (z text)' }, 'ops-plugin-other')
    const steps = await queue.migrate([plugin, other], [])
    expect(steps.map(({ source, name }) => `${source} ${name}`)).toEqual([
      'ops-plugin-build 0000_a',
      'ops-plugin-build 0001_b',
      'ops-plugin-build 0002_c',
      'ops-plugin-other 0000_first',
    ])
  })

  it('of one plugin can have the same name as another’s', async () => {
    const { queue } = await sqliteFixture([])
    const sources = ['a', 'b'].map((name) =>
      source({ '0000_first.sql': `create table ${name} (x)` }, `ops-plugin-${name}`),
    )
    expect(await queue.migrate(sources, [])).toHaveLength(2)
    expect(await queue.migrate(sources, [])).toEqual([])
  })

  it('that breaks references is refused', async () => {
    const { queue, raw, rows } = await sqliteFixture([queuedBuilds, queuedDeployments])
    raw.exec(`insert into builds (repository) values ('a'); insert into deployments (build_id) values (1)`)
    const plugin = source({ '0000_gone.sql': 'delete from builds' })
    await expect(queue.migrate([plugin], [queuedBuilds])).rejects.toThrow(
      'rows with broken references after this migration: 1',
    )
    expect(rows('select id from builds')).toHaveLength(1)
    await expect(queue.enqueue(queuedDeployments.table, [{ buildId: 2 }])).rejects.toThrow(/foreign key/i)
  })
})

describe('the guarantees of a table', () => {
  const namesOf = (steps: readonly { name: string; change: string }[]) =>
    steps.map(({ name, change }) => `${change} ${name}`)

  it('are installed when the table exists', async () => {
    const { queue } = await sqliteFixture([])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
    expect(await queue.migrate([], [queuedBuilds])).toEqual([])
    const plugin = source({ '0000_builds.sql': createTaskTable(builds) })
    const [migration, ...guarantees] = await queue.migrate([plugin], [queuedBuilds])
    expect(migration).toMatchObject({ kind: 'migration', name: '0000_builds' })
    expect(guarantees.length).toBeGreaterThan(5)
  })

  it('that depend on exclusivity are replaced when it changes', async () => {
    const { queue, raw } = await sqliteFixture([queuedBuilds, queuedDeployments])
    const alone: QueuedTable = { ...queuedDeployments, exclusivity: { kind: 'table', key: 'processor:deployment' } }
    const steps = namesOf(await queue.migrate([], [alone]))
    expect(steps).toEqual(['drop ops_deployments_due_by_key', 'replace ops_deployments_transition'])
    raw.exec(
      `insert into deployments (environment) values ('a'), ('b'); update deployments set status = 'ongoing' where id = 1`,
    )
    expect(() => raw.exec(`update deployments set status = 'ongoing' where id = 2`)).toThrow(
      '"processor:deployment" is held',
    )
    expect(await queue.claim([alone])).toBeUndefined()
    const back = namesOf(await queue.migrate([], [queuedDeployments]))
    expect(back.sort()).toEqual(['create ops_deployments_due_by_key', 'replace ops_deployments_transition'])
    raw.exec(`update deployments set status = 'ongoing' where id = 2`)
  })

  it('are restored if dropped or changed', async () => {
    const { queue, raw } = await sqliteFixture([queuedBuilds])
    raw.exec(`
      drop trigger ops_builds_transition; drop index ops_builds_due;
      drop trigger ops_builds_deleted; create trigger ops_builds_deleted after delete on builds begin select 1; end;
      create trigger ops_builds_old after delete on builds begin select 1; end`)
    expect(namesOf(await queue.migrate([], [queuedBuilds])).sort()).toEqual([
      'create ops_builds_due',
      'create ops_builds_transition',
      'drop ops_builds_old',
      'replace ops_builds_deleted',
    ])
    expect(await queue.planMigration([], [queuedBuilds])).toEqual([])
  })

  it('do not affect the application’s own triggers and indexes', async () => {
    const { queue, raw, rows } = await sqliteFixture([queuedBuilds])
    raw.exec(`
      create index builds_by_repository on builds (repository);
      create trigger notify after insert on builds begin select 1; end`)
    expect(await queue.migrate([], [queuedBuilds])).toEqual([])
    const own = `select name from sqlite_master where name in ('builds_by_repository', 'notify') order by name`
    expect(rows(own)).toHaveLength(2)
  })

  it('are restored on a table that a migration rebuilds, with its tasks and runs', async () => {
    const { queue, raw, rows } = await sqliteFixture([queuedBuilds, queuedDeployments])
    raw.exec(`
      insert into builds (repository) values ('a'), ('b'), ('c');
      insert into deployments (build_id) values (2);
      update builds set status = 'ongoing' where id = 2`)
    // As drizzle-kit writes it.
    const plugin = source({
      '0001_rebuild.sql': [
        'PRAGMA foreign_keys=OFF;',
        `${createTaskTable(builds).replace('create table builds', 'create table `__new_builds`')};`,
        'INSERT INTO `__new_builds` SELECT * FROM `builds`;',
        'DROP TABLE `builds`;',
        'ALTER TABLE `__new_builds` RENAME TO `builds`;',
        'PRAGMA foreign_keys=ON;',
      ].join('--> statement-breakpoint\n'),
    })
    const before = rows(`select name, sql from sqlite_master where name glob 'ops_builds_*' order by name`)
    const [migration, ...guarantees] = await queue.migrate([plugin], [queuedBuilds, queuedDeployments])
    expect(migration).toMatchObject({ name: '0001_rebuild' })
    expect(guarantees.every(({ source, change }) => source === 'builds' && change === 'create')).toBe(true)
    expect(rows(`select name, sql from sqlite_master where name glob 'ops_builds_*' order by name`)).toEqual(before)
    expect(rows('select id, status from builds order by id')).toEqual([
      { id: 1, status: 'pending' },
      { id: 2, status: 'ongoing' },
      { id: 3, status: 'pending' },
    ])
    expect(() => raw.exec('delete from builds where id = 2')).toThrow('build 2 is ongoing')
    expect(await queue.claim([queuedBuilds])).toBeUndefined()
    raw.exec(`update builds set status = 'failed' where id = 2`)
    expect((await queue.claim([queuedBuilds]))!.run.taskId).toBe(1)
    await expect(queue.enqueue(queuedDeployments.table, [{ buildId: 9 }])).rejects.toThrow(/foreign key/i)
  })
})
