import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { execa } from 'execa'
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
  it('keeps the state of a project out of its repository, save for the list of plugins', async () => {
    const project = new TestProject()
    await execa('git', ['init', '--quiet'], { cwd: project.directory })
    await project.ops('migrate')
    project.write('.ops/plugins/package.json', '{}')
    const { stdout } = await execa('git', ['status', '--short', '--untracked-files=all'], { cwd: project.directory })
    expect(stdout).toBe('?? .ops/plugins/package.json')
  })

  it('writes no .gitignore into a state directory of another place', async () => {
    const project = new TestProject()
    await project.opsWith({ env: { OPS_HOME: project.path('state') } }, 'migrate')
    expect(readdirSync(project.directory)).toEqual(['state'])
    expect(readdirSync(project.path('state'))).not.toContain('.gitignore')
  })

  it('creates the database of an empty project, and has nothing to do afterwards', async () => {
    const project = new TestProject()
    const first = await project.ops('migrate')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain(`create database ${project.path('.ops/ops.db')}`)
    expect(first.stdout).toContain('migration 0000_core of core')
    expect(first.stdout).toContain('migration 0000_builds of @ops-cli/plugin-build')
    expect(first.stdout.match(/^guarantees installed on builds$/gm)).toHaveLength(1)
    expect(first.stdout).not.toContain('ops_builds')
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
    expect(stdout.split('\n')).toEqual([
      'pending: migration 0000_probes of ops-plugin-probe',
      'pending: migration 0001_flakies of ops-plugin-probe',
      'pending: guarantees on builds',
      'pending: guarantees on urgencies',
      'pending: guarantees on flakies',
      'pending: guarantees on ordinaries',
      'pending: guarantees on outcomes',
      'pending: guarantees on samples',
      'pending: guarantees on scripts',
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

  it.each([[], ['--check']])('says why it exits 1 where nothing but a broken plugin is left: %j', async (...flags) => {
    const project = new TestProject()
    project.link(writePlugin('broken', `throw new Error('boom at import')`))
    await project.ops('migrate')
    const { exitCode, stdout, stderr } = await project.ops('migrate', ...flags)
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: `${project.path('.ops/ops.db')} has no pending migrations, but there is a problem with broken.`,
    })
    expect(unwrapped(stderr)).toMatch(/^Error: The processor "broken" .* fails to import: boom at import\./)
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
    expect(stderr).toBe(
      'Error: The configuration "nowhere.ts" of --config does not exist.\nSet --config to an ops.config.ts, .mts, .js, .mjs or .json.\nTry: ops init  # create one',
    )
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
