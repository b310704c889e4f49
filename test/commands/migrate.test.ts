import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

const probe = { name: 'ops-plugin-probe', root: probePlugin }

function tables(project: TestProject): string[] {
  return project
    .rows<{ name: string }>(
      `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by 1`,
    )
    .map(({ name }) => name)
}

describe('ops migrate', () => {
  it('creates the database of an empty project, and has nothing to do afterwards', async () => {
    const project = new TestProject()
    const first = await project.ops('migrate')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain(`create database ${project.path('.ops/ops.db')}`)
    expect(first.stdout).toContain('migration 0000_core of core')
    expect(first.stdout).toContain('migration 0000_builds of @ops-cli/plugin-build')
    expect(first.stdout).toContain('create ops_builds_transition on builds')
    expect(tables(project)).toEqual(expect.arrayContaining(['builds', 'ops_events', 'ops_migrations', 'ops_runs']))
    const second = await project.ops('migrate')
    expect(second).toMatchObject({ exitCode: 0, stdout: `${project.path('.ops/ops.db')} is up to date.` })
  })

  it('lists pending migrations with --check, exits 1 and creates nothing; exits 0 if nothing is pending', async () => {
    const project = new TestProject()
    const due = await project.ops('migrate', '--check')
    expect(due.exitCode).toBe(1)
    expect(due.stdout).toContain('pending: create database')
    expect(due.stdout).toContain('pending: migration 0000_core of core')
    expect(readdirSync(project.directory)).toEqual([])
    await project.ops('migrate')
    expect((await project.ops('migrate', '--check')).exitCode).toBe(0)
  })

  it('changes nothing with --check in an existing database', async () => {
    const project = new TestProject()
    await project.ops('migrate')
    project.link(probe)
    project.database.exec('drop trigger ops_builds_transition')
    project.database.pragma('wal_checkpoint(truncate)')
    const before = readFileSync(project.path('.ops/ops.db'))
    const { exitCode, stdout } = await project.ops('migrate', '--check')
    expect(exitCode).toBe(1)
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'pending: migration 0000_probes of ops-plugin-probe',
      'pending: migration 0001_flakies of ops-plugin-probe',
      'pending: create ops_builds_transition on builds',
    ])
    expect(tables(project)).not.toContain('samples')
    expect(readFileSync(project.path('.ops/ops.db')).equals(before)).toBe(true)
    expect((await project.ops('migrate')).exitCode).toBe(0)
    expect((await project.ops('migrate', '--check')).exitCode).toBe(0)
  })

  it('returns with --json what it did, and what is pending', async () => {
    const project = new TestProject()
    const database = project.path('.ops/ops.db')
    const due = await project.ops('migrate', '--check', '--json')
    expect(due.exitCode).toBe(1)
    const plan = JSON.parse(due.stdout)
    expect(plan).toMatchObject({ database, changed: false, errors: [] })
    expect(plan.steps).toContainEqual({ kind: 'migration', source: 'core', name: '0000_core', change: 'create' })
    const done = JSON.parse((await project.ops('migrate', '--json')).stdout)
    expect(done).toMatchObject({ database, changed: true, errors: [] })
    expect(done.steps).toEqual(expect.arrayContaining(plan.steps))
    const again = await project.ops('migrate', '--check', '--json')
    expect(again.exitCode).toBe(0)
    expect(JSON.parse(again.stdout)).toEqual({ database, changed: false, steps: [], errors: [] })
  })

  it('reports a broken plugin, migrates the others, and exits 1', async () => {
    const project = new TestProject()
    project.link(probe, writePlugin('broken', `throw new Error('boom at import')`))
    const { exitCode, stderr } = await project.ops('migrate')
    expect(exitCode).toBe(1)
    const text = unwrapped(stderr)
    expect(text).toContain('The processor "broken" of ops-plugin-broken@1.2.3 cannot be loaded:')
    expect(text).toContain('fails to import: boom at import')
    expect(tables(project)).toContain('samples')
  })

  it.each([
    ['{ "databse": "sqlite:x.db" }', 'databse: unknown key, did you mean "database"?'],
    ['{ "database": "mysql://root:geheim@db/x" }', 'database: expected "sqlite:<path>" or "postgres://…"'],
    ['{', 'expected JSON'],
  ])('exits 78 on the configuration %s', async (text, message) => {
    const project = new TestProject()
    project.write('ops.config.json', text)
    const { exitCode, stderr } = await project.ops('migrate')
    expect(exitCode).toBe(78)
    expect(stderr).toMatch(/^Error: ops\.config\.json: /)
    expect(unwrapped(stderr)).toContain(message)
    expect(stderr).not.toContain('geheim')
    expect(existsSync(project.path('.ops'))).toBe(false)
  })

  it('exits 78 if the file of --config does not exist', async () => {
    const { exitCode, stderr } = await new TestProject().ops('migrate', '--config', 'nowhere.ts')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('The configuration "nowhere.ts" of --config does not exist.')
  })

  it('uses the database of the configuration, which it finds in a parent folder, and OPS_DATABASE_URL first', async () => {
    const project = new TestProject()
    project.write('ops.config.json', '{ "database": "sqlite:data/shop.db" }')
    project.write('deep/down/here.txt', '')
    await project.opsWith({ cwd: project.path('deep/down') }, 'migrate')
    expect(existsSync(project.path('data/shop.db'))).toBe(true)
    await project.opsWith({ env: { OPS_DATABASE_URL: 'sqlite:other.db' } }, 'migrate')
    expect(existsSync(project.path('other.db'))).toBe(true)
  })
})
