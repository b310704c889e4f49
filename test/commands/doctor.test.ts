import { stripVTControlCharacters } from 'node:util'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import type { Check } from '../../src/queue/check.ts'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { opsProgram, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

async function checksOf(project: TestProject, env: Record<string, string> = {}): Promise<Check[]> {
  const { stdout } = await project.opsWith({ env }, 'doctor', '--json')
  return JSON.parse(stdout).checks
}

const named = (checks: readonly Check[], name: string) => checks.find((check) => check.name === name)

describe('ops doctor', () => {
  it('finds no problem in a healthy project, and exits 0', async () => {
    const project = await TestProject.withProbe()
    const { stdout, stderr, exitCode } = await project.ops('doctor')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^ok +journal mode +WAL$/m)
    expect(stdout).toMatch(/^ok +synchronous +FULL$/m)
    expect(stdout).toMatch(/^ok +foreign keys +on$/m)
    expect(stdout).toMatch(/^ok +database +\/.+, .*, SQLite 3\./m)
    expect(stdout).toMatch(/^ok +table scripts +all triggers and indexes are in place$/m)
    expect(stdout).toMatch(
      /^ok +history +database [\d.]+ kB.*; nothing is pruned \(no "retention" in the configuration\)$/m,
    )
    expect(stdout).toMatch(/^ok +plugins +.*build, deploy, exec/m)
    expect(stdout).toMatch(/^skipped +units +none installed$/m)
    expect(stdout).toMatch(/\n\nNo problems found\.$/)
  })

  it('skips a database that does not exist yet, and creates none', async () => {
    const project = new TestProject()
    const checks = await checksOf(project)
    expect(named(checks, 'database')).toEqual({
      name: 'database',
      status: 'skipped',
      found: `${project.path('.ops/ops.db')} does not exist yet`,
      problem: {
        code: 'SKIPPED',
        severity: 'info',
        where: 'database',
        message: `${project.path('.ops/ops.db')} does not exist yet`,
        suggestions: ['create it: ops migrate'],
      },
    })
    expect((await project.ops('doctor')).exitCode).toBe(0)
    expect(await checksOf(project)).toEqual(checks)
  })

  it('names the triggers that a table has lost, and ops migrate restores them', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('drop trigger ops_scripts_transition')
    const { stdout, exitCode } = await project.ops('doctor')
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^problem +table scripts +ops_scripts_transition is missing: .*\n +→ ops migrate$/m)
    expect(stdout).toMatch(/\n1 problem, 0 warnings\.$/)
    await project.ops('migrate')
    expect((await project.ops('doctor')).exitCode).toBe(0)
  })

  it('finds what another program has changed in the file', async () => {
    const project = await TestProject.withProbe()
    project.database.pragma('foreign_keys = off')
    project.database.exec(`insert into deployments (environment, build_id) values ('production', 99)`)
    project.database.pragma('journal_mode = delete')
    const checks = await checksOf(project)
    expect(named(checks, 'journal mode')).toMatchObject({
      found: expect.stringContaining('"delete"'),
      problem: { code: 'JOURNAL_MODE', severity: 'warning' },
    })
    expect(named(checks, 'references')).toMatchObject({
      found: expect.stringContaining('1 of deployments'),
      problem: { code: 'BROKEN_REFERENCES', severity: 'error' },
    })
  })

  it('finds an ongoing task that no run has, and --fix cancels it', async () => {
    const project = await TestProject.withProbe()
    await project.ops('enqueue', 'script', '--script', 'x')
    project.database.exec(`drop trigger ops_scripts_changed; update scripts set status = 'ongoing'`)
    await project.ops('migrate')
    const { stdout, exitCode } = await project.ops('doctor')
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(
      /^problem +open runs +scripts 1 is ongoing, but no run of it is open\n +→ ops doctor --fix$/m,
    )
    const fixed = await project.ops('doctor', '--fix')
    expect(fixed.stdout).toMatch(/^ok +open runs +repaired: scripts 1 is ongoing, but no run of it is open/m)
    expect(fixed.exitCode).toBe(0)
    expect(project.value('select status from scripts')).toBe('canceled')
    expect(project.value(`select actor from ops_audit where event = 'canceled'`)).toMatch(/ \(ops doctor\)$/)
    expect((await project.ops('doctor')).exitCode).toBe(0)
  })

  it('finds tasks that wait without an end, and says what to do', async () => {
    const project = await TestProject.withProbe()
    const insert = project.database.prepare('insert into ordinaries (run_at) values (?)')
    insert.run(Date.now() + 60_000)
    expect(named(await checksOf(project), 'waiting tasks')).toMatchObject({ status: 'ok' })
    insert.run(Date.now() - 2 * 3_600_000)
    expect(named(await checksOf(project), 'waiting tasks')!.problem).toMatchObject({
      ...{ code: 'NO_WORKER', where: 'ordinary' },
      message: 'ordinary 2 has been due for 2 h, and no worker is running',
      suggestions: ['ops worker', 'ops start-services'],
    })
    const worker = project.start('worker', '--only', 'urgent')
    await until(
      () => typeof project.value('select task_tables from ops_workers') === 'string',
      'it has said what it claims',
    )
    expect(named(await checksOf(project), 'waiting tasks')!.problem).toMatchObject({
      code: 'TASKS_NOT_CLAIMED',
      message: 'ordinary 2 has been due for 2 h, and no running worker runs ordinary tasks',
    })
    worker.kill('SIGTERM')
    await worker.exit
    await project.ops('hold', 'processor:ordinary')
    project.start('worker')
    const claims = `select task_tables like '%ordinaries%' from ops_workers order by started_at desc`
    await until(() => project.value(claims) === 1, 'it has said what it claims')
    const problem = {
      code: 'TASKS_WAITING',
      message: 'ordinary 2 has been due for 2 h (limit 1 h)',
      suggestions: ['ops tasks why ordinary 2'],
    }
    expect(named(await checksOf(project), 'waiting tasks')!.problem).toMatchObject(problem)
    const { stdout, exitCode } = await project.ops('doctor', '--max-wait', '3h')
    expect(stdout).toMatch(/^ok +waiting tasks +none without a worker, or due for more than 3 h$/m)
    expect(exitCode).toBe(0)
    expect((await project.ops('doctor', '--max-wait', 'long')).exitCode).toBe(2)
  })

  it('finds tasks of a table without a processor', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('insert into ordinaries default values')
    project.link()
    const { stdout, exitCode } = await project.ops('doctor')
    expect(exitCode).toBe(1)
    expect(unwrapped(stdout)).toMatch(/warning +waiting tasks +No processor for 1 pending task in "ordinaries"\./)
  })

  it('warns when a clock has been set back', async () => {
    const project = await TestProject.withProbe()
    const insert = `insert into ops_events (at, event, actor) values (?, 'created', 'sql')`
    project.database.prepare(insert).run(Date.now() + 3_600_000)
    expect(named(await checksOf(project), 'clock')).toMatchObject({
      found: expect.stringMatching(/is (1 h|59 m).* ahead of this machine's clock$/),
      problem: { code: 'CLOCK_BEHIND', severity: 'warning' },
    })
  })

  it('names the processes that keep a large write-ahead log open', async () => {
    const project = await TestProject.withProbe()
    const reader = project.openDatabase('.ops/ops.db')
    reader.exec('begin; select * from scripts')
    project.database.exec(`create table ballast (bytes); insert into ballast values (zeroblob(70000000))`)
    // The reader is a process that is not ops: this one.
    const { stdout } = await project.opsProcess('doctor', '--json')
    expect(named(JSON.parse(stdout).checks, 'write-ahead log')).toMatchObject({
      problem: { severity: 'warning', suggestions: [expect.stringContaining(String(process.pid))] },
    })
    reader.exec('rollback')
  })

  it('names a broken plugin, and runs the other checks', async () => {
    const project = await TestProject.withProbe()
    project.link(writePlugin('broken', `throw new Error('boom at import')`))
    const checks = await checksOf(project)
    expect(named(checks, 'plugin broken')).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('boom at import'),
      problem: {
        severity: 'error',
        suggestions: ['fix the plugin', expect.stringContaining('ops plugins unlink ops-plugin-broken')],
      },
    })
    expect(named(checks, 'table builds')).toMatchObject({ status: 'ok' })
  })

  it('prints each problem of a plugin once, also where a schedule needs the plugin', async () => {
    const schedules = {
      nightly: { cron: '0 3 * * *', enqueue: 'broken' },
      hourly: { cron: 'soon', enqueue: 'exec', with: { command: 'x' } },
    }
    const project = TestProject.withConfig({ schedules, plugins: { exec: {} } })
    project.linkHere(writePlugin('broken', `throw new Error('boom at import')`))
    const { stdout } = await project.ops('doctor')
    expect(stdout.match(/boom at import/g)).toHaveLength(1)
    expect(stdout).toMatch(/^problem +plugin broken .*\n +→ fix the plugin\n +→ remove the plugin: ops plugins unlink/m)
    expect(stdout).toMatch(/^problem +schedules +schedules\.hourly: invalid cron expression "soon"/m)
    expect(stdout).toMatch(/\n2 problems, 0 warnings\.$/)
  })

  it('prints each problem of the configuration on a line of its own', async () => {
    const project = new TestProject()
    project.write('ops.config.json', '{ "nam": "shop", "databse": "sqlite:x.db" }')
    const { stdout } = await project.ops('doctor')
    expect(stdout).toMatch(
      /^problem +configuration +ops\.config\.json has 2 problems:\n +nam: unknown key.*\n +databse: unknown key/m,
    )
  })

  it('reports an invalid configuration, and exits 1 without a stack', async () => {
    const project = new TestProject()
    project.write('ops.config.json', '{ "nam": "shop" }')
    const { stdout, stderr, exitCode } = await project.ops('doctor')
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' })
    expect(stdout).toMatch(/^problem +configuration +ops\.config\.json: nam: unknown key/m)
    expect(stdout).toMatch(/^skipped +database +needs a valid configuration$/m)
    expect(stdout).toMatch(/^ok +node +v\d/m)
  })

  it('reports a database that does not answer, without its password', async () => {
    const project = TestProject.withConfig({ database: 'postgres://ann:secret@127.0.0.1:1/shop' })
    const { stdout, exitCode } = await project.ops('doctor')
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^problem +database .*connection refused.*\n +→ start PostgreSQL/m)
    expect(stdout).toMatch(/^skipped +migrations/m)
    expect(stdout).not.toContain('secret')
  })

  it('warns of a time zone that only this shell has', async () => {
    const schedules = { nightly: { cron: '0 3 * * *', enqueue: 'exec', with: { command: 'true' } } }
    const project = TestProject.withConfig({ schedules, plugins: { exec: {} } })
    const env = { TZ: 'Asia/Tokyo' }
    expect(named(await checksOf(project, env), 'time zone')).toMatchObject({
      found: expect.stringContaining('nightly'),
      problem: { code: 'TIME_ZONE_OF_SHELL', severity: 'warning' },
    })
    const zoned = TestProject.withConfig({
      schedules: { nightly: { ...schedules.nightly, timeZone: 'Europe/Berlin' } },
      plugins: { exec: {} },
    })
    expect(named(await checksOf(zoned, env), 'time zone')).toMatchObject({
      status: 'ok',
      found: 'Asia/Tokyo, nightly in Europe/Berlin',
    })
  })

  it('fits on a terminal of 80 columns', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('drop trigger ops_scripts_transition')
    const command = `stty cols 80; exec "${process.execPath}" "${opsProgram}" doctor`
    const { directory: cwd, env } = project
    const options = { cwd, env, extendEnv: false, reject: false, stdin: 'ignore' } as const
    const { stdout } = await execa('script', ['-qec', command, '/dev/null'], options)
    const lines = stripVTControlCharacters(stdout).split(/\r?\n/)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines).toContainEqual(expect.stringMatching(/^ {10,}→ ops migrate$/))
  })

  it('checks PostgreSQL too', unless(postgresMissing), async () => {
    const project = TestProject.withConfig({ database: await postgresUrl(), plugins: { build: {} } })
    await project.ops('migrate')
    const { exitCode, stdout } = await project.ops('doctor', '--json')
    const { checks } = JSON.parse(stdout)
    for (const name of ['session', 'synchronous', 'fsync', 'foreign keys', 'write-ahead log', 'transactions', 'clock'])
      expect(named(checks, name)).toBeDefined()
    expect(named(checks, 'database')!.found).toMatch(/PostgreSQL \d/)
    expect(named(checks, 'clock')).toMatchObject({ status: 'ok' })
    expect(named(checks, 'table builds')).toMatchObject({ status: 'ok' })
    // The server of the tests may be one that forgets faster than it should.
    const isWell = checks.every(({ status }: Check) => status === 'ok' || status === 'skipped')
    expect(exitCode).toBe(isWell ? 0 : 1)
  })
})
