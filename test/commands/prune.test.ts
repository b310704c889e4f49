import { createHash } from 'node:crypto'
import { existsSync, readFileSync, utimesSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

/** Whole runs of a worker are shorter than this. */
const later = () => new Date(Date.now() + 3_600_000).toISOString()

/** Two tasks that succeeded, one that failed, and one that is pending, with logs. */
async function withTasks(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  for (const script of ['echo one', 'echo two', 'false']) project.addScript(script)
  await project.ops('worker', '--drain')
  project.addScript('true')
  return project
}

describe('ops prune', () => {
  it('is wrong usage without a retention and without --before, and says what to do', async () => {
    const project = await TestProject.withProbe()
    const { exitCode, stderr } = await project.ops('prune')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('The configuration sets no retention for tasks.')
    expect(unwrapped(stderr)).toContain('ops prune --before 90d --dry-run')
  })

  it('shows what would go with --dry-run, and deletes nothing', async () => {
    const project = await withTasks()
    const { stdout, exitCode } = await project.ops('prune', '--before', later(), '--dry-run')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^scripts +succeeded +2 +.* ago|now/m)
    expect(stdout).toMatch(/^scripts +failed +1/m)
    expect(stdout).toMatch(/^logs: \d files, \d+ B$/m)
    expect(stdout).toContain('nothing was deleted')
    expect(project.value('select count(*) from scripts')).toBe(4)
    expect(existsSync(project.path('.ops/logs/scripts/1.1.log'))).toBe(true)
  })

  it('deletes tasks with their logs, and says of a deleted one that it was pruned', async () => {
    const project = await withTasks()
    const { stdout, exitCode } = await project.ops('prune', '--before', later())
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^scripts +succeeded +2 /m)
    expect(project.rows('select id from scripts')).toEqual([{ id: 4 }])
    expect(existsSync(project.path('.ops/logs/scripts/1.1.log'))).toBe(false)
    for (const command of [
      ['tasks', 'show', 'script', '2'],
      ['audit', '--task', 'script 2'],
    ]) {
      const shown = await project.ops(...command)
      expect(shown.exitCode).toBe(1)
      expect(unwrapped(shown.stderr)).toMatch(/script 2 has been pruned, by \d{4}-/)
    }
    const unknown = await project.ops('tasks', 'show', 'script', '7')
    expect(unwrapped(unknown.stderr)).toContain('script 7 not found.')
    const audit = await project.ops('audit')
    expect(audit.stdout).toContain('pruned')
  })

  it('prunes by status and table, with JSON for programs', async () => {
    const project = await withTasks()
    const args = ['--before', later(), '--status', 'failed', '--table', 'script', '--json']
    const { groups, ...rest } = JSON.parse((await project.ops('prune', ...args)).stdout)
    expect(groups).toMatchObject([{ table: 'scripts', processor: 'script', status: 'failed', tasks: 1 }])
    expect(rest).toMatchObject({ isDryRun: false, isComplete: true, kept: {} })
    expect(project.value('select count(*) from scripts')).toBe(3)
  })

  it('writes an archive that the audit can prove, and overwrites none', async () => {
    const project = await withTasks()
    const file = project.path('old.ndjson.gz')
    const { stdout } = await project.ops('prune', '--before', later(), '--archive', file)
    expect(stdout).toContain(`archive: ${file}`)
    const lines = gunzipSync(readFileSync(file))
    const detail = JSON.parse(project.value(`select detail from ops_events where event = 'pruned'`))
    expect(detail).toMatchObject({ tasks: 3, sha256: createHash('sha256').update(lines).digest('hex') })
    expect(JSON.parse(lines.toString().split('\n')[0]!)).toMatchObject({
      table: 'scripts',
      task: { script: 'echo one' },
    })
    const again = await project.ops('prune', '--before', later(), '--archive', file)
    expect(again.exitCode).toBe(1)
    expect(unwrapped(again.stderr)).toContain('already exists')
  })

  it.each([
    ['prune.before-commit:kill:2', 50],
    ['prune.after-commit:kill:2', undefined],
  ])('loses nothing when it is killed at %s, and the next one explains it', async (failpoint, goneThen) => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into scripts (script)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 600) select 'true' from n`)
    project.database.exec(`update scripts set status = 'canceled'`)
    const archive = project.path('old.ndjson')
    const args = ['prune', '--before', later(), '--archive', archive]
    const killed = await project.opsProcessWith({ env: { OPS_FAILPOINT: failpoint } }, ...args)
    expect(killed.signal).toBe('SIGKILL')
    const gone = 600 - project.value<number>('select count(*) from scripts')
    expect(gone).toBeGreaterThanOrEqual(50)
    if (goneThen !== undefined) expect(gone).toBe(goneThen)
    expect(project.value(`select count(distinct task_id) from ops_events`)).toBe(600 - gone)
    expect(project.value('select count(*) from ops_pruning')).toBe(0)
    // What is not archived is still there.
    const lines = readFileSync(archive, 'utf8').split(/(?<=\n)/)
    expect(lines.length).toBeGreaterThanOrEqual(gone)
    await project.ops('prune', '--before', later())
    const passes = project
      .rows<{ detail: string }>(`select detail from ops_events order by id`)
      .map(({ detail }) => JSON.parse(detail))
    expect(passes).toMatchObject([{ tasks: gone }, { tasks: 600 - gone }])
    const sha256 = createHash('sha256').update(lines.slice(0, gone).join('')).digest('hex')
    expect(passes[0].sha256).toBe(sha256)
  })

  it.each([
    [['--before', 'soon'], 'expected a duration such as "30d" or a date such as "2026-01-31", got "soon"'],
    [['--before', '2026-02-30'], 'expected a duration such as "30d" or a date such as "2026-01-31", got "2026-02-30"'],
    [['--before', '1y', '--status', 'pending'], 'Unknown status "pending"'],
    [['--before', '1y', '--table', 'scrip'], 'Did you mean'],
  ])('refuses %s', async (args, message) => {
    const project = await TestProject.withProbe()
    const { exitCode, stderr } = await project.ops('prune', ...args)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(message)
  })

  it('keeps by the retention of the configuration, where logs may go earlier', async () => {
    const project = await TestProject.withProbe({
      retention: { succeeded: '90d', logs: '30d', processors: { script: { failed: '0ms' } } },
    })
    for (const script of ['echo one', 'echo two', 'false']) project.addScript(script)
    await project.ops('worker', '--drain')
    const [old, young] = [1, 2].map((id) => project.path(`.ops/logs/scripts/${id}.1.log`))
    utimesSync(old!, new Date(0), new Date(0))
    const { groups, logs } = JSON.parse((await project.ops('prune', '--json')).stdout)
    expect(groups).toMatchObject([{ status: 'failed', tasks: 1 }])
    expect(logs.files).toBeGreaterThan(0)
    expect([old, young].map((file) => existsSync(file!))).toEqual([false, true])
  })

  it('refuses a retention of a processor that does not exist', async () => {
    const project = await TestProject.withProbe({ retention: { processors: { skript: { failed: '1y' } } } })
    const { exitCode, stderr } = await project.ops('prune')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('unknown processor "skript", did you mean "script"?')
  })

  it('is done by an idle worker too', async () => {
    const project = await TestProject.withProbe({ retention: { succeeded: '0ms' } })
    project.addScript('echo one')
    const worker = project.start('worker')
    await worker.says('pruned 1 task')
    await until(() => project.value(`select 1 from ops_events where event = 'pruned'`) === 1, 'the audit says so')
    expect(project.rows('select id from scripts')).toEqual([])
    // It goes on with what comes.
    project.addScript('true')
    await worker.says('script 2 succeeded')
    await worker.destroy()
  })
})
