import { describe, expect, it } from 'vitest'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

/** A project in which one task has succeeded, one has failed, and others wait. */
async function projectWithTasks(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  project.database.exec(`insert into outcomes (how) values ('columns'), ('throws')`)
  await project.ops('worker', '--drain')
  project.database.exec(`insert into urgencies (note, created_at) values ('later', 4102444800000)`)
  project.database.exec(`insert into ordinaries (note, created_at, run_at) values ('old', 0, 4102444800000)`)
  return project
}

const tasksOf = (stdout: string) => (JSON.parse(stdout) as { tasks: { task: string }[] }).tasks.map(({ task }) => task)

describe('ops tasks', () => {
  it('lists the tasks of all processors, the newest first', async () => {
    const project = await projectWithTasks()
    const { stdout, stderr, exitCode } = await project.ops('tasks')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^task +status +created +took +note$/)
    expect(lines.slice(1).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['urgent 1', 'pending'],
      ['outcome 2', 'failed'],
      ['outcome 1', 'succeeded'],
      ['ordinary 1', 'pending'],
    ])
    expect(lines[2]).toMatch(/ the first line$/)
    expect(lines[4]).toMatch(/ d ago +in \d+ d$/)
  })

  it('returns them with --json, each with its row', async () => {
    const project = await projectWithTasks()
    const { tasks } = JSON.parse((await project.ops('tasks', '--json', '--status', 'succeeded')).stdout)
    expect(tasks).toHaveLength(1)
    expect(tasks[0]).toMatchObject({
      task: 'outcome 1',
      processor: 'outcome',
      table: 'outcomes',
      id: 1,
      status: 'succeeded',
      attempt: 1,
      answer: 'yes',
      code: 7,
    })
    expect(tasks[0].createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('takes a table or its processor, and statuses with commas or one by one', async () => {
    const project = await projectWithTasks()
    const list = async (...flags: string[]) => tasksOf((await project.ops('tasks', '--json', ...flags)).stdout)
    expect(await list('--table', 'outcomes')).toEqual(['outcome 2', 'outcome 1'])
    expect(await list('--table', 'outcome')).toEqual(['outcome 2', 'outcome 1'])
    expect(await list('--status', 'failed,succeeded')).toEqual(['outcome 2', 'outcome 1'])
    expect(await list('--status', 'failed', '--status', 'pending')).toEqual(['urgent 1', 'outcome 2', 'ordinary 1'])
  })

  it('says when there are more than the limit', async () => {
    const project = await projectWithTasks()
    const { stdout, stderr } = await project.ops('tasks', '--limit', '2')
    expect(stdout.split('\n')).toHaveLength(3)
    expect(stderr).toBe('Showing the newest 2. See more: --limit <n>')
    expect((await project.ops('tasks', '--limit', '4')).stderr).toBe('')
  })

  it('says in one line that there are none', async () => {
    const project = await TestProject.withProbe()
    expect((await project.ops('tasks')).stdout).toBe('No tasks. Add one: ops enqueue <processor>')
    expect((await project.ops('tasks', '--table', 'script', '--status', 'failed')).stdout).toBe(
      'No failed tasks of script.',
    )
  })

  it('shows what an ongoing task reports', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into scripts (script) values ('x'); update scripts set status = 'ongoing', attempt = 2,
      started_at = created_at, progress = 0.4, progress_note = 'linking'`)
    const [header, line] = (await project.ops('tasks')).stdout.split('\n')
    expect(header).toMatch(/^task +status +created +took +attempt +note$/)
    expect(line).toMatch(/^script 1 {2}ongoing .* so far +2 {2}40 % linking$/)
  })

  it.each([
    [['--status', 'faild'], 'Did you mean "failed"?'],
    [['--table', 'outcom'], 'Error: Unknown table "outcom". Did you mean "outcome"?'],
    [['--table', 'nope'], 'Error: Unknown table "nope".'],
    [['--limit', '0'], 'expected a whole number of at least 1'],
  ])('refuses %j with 2', async (flags, message) => {
    const { exitCode, stderr } = await (await TestProject.withProbe()).ops('tasks', ...flags)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(message)
  })

  it('passes over tables that do not exist yet and plugins that are broken, and says so', async () => {
    const project = new TestProject()
    await project.ops('migrate')
    project.link({ name: 'ops-plugin-probe', root: probePlugin }, writePlugin('broken', `export default 1`))
    const { exitCode, stdout, stderr } = await project.ops('tasks')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'No tasks. Add one: ops enqueue <processor>' })
    expect(unwrapped(stderr)).toContain(
      'The table "scripts" of the processor "script" does not exist yet. Try: ops migrate',
    )
    expect(unwrapped(stderr)).toContain('ops-plugin-broken@1.2.3 cannot be loaded')
    const named = await project.ops('tasks', '--table', 'script')
    expect(named.exitCode).toBe(1)
    expect(unwrapped(named.stderr)).toContain('needs the table "scripts"')
  })

  it.each([
    [['tasks']],
    [['tasks', 'show', 'build', '1']],
    [['tasks', 'logs', 'build', '1']],
    [['tasks', 'retry', 'build', '1']],
    [['tasks', 'cancel', 'build', '1']],
    [['audit']],
    [['hold', 'processor:build']],
    [['unhold', 'processor:build']],
    [['holds']],
  ])('%j has one clear error where there is no database', async (argv) => {
    const { exitCode, stdout, stderr } = await new TestProject().ops(...argv)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(unwrapped(stderr)).toContain('cannot be used: the file does not exist.')
    expect(stderr).toContain('Try: ops migrate  # create it')
  })

  it('says what to do where the database is not that of this ops', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`drop table ops_open; delete from ops_migrations where source = 'core'`)
    const { exitCode, stderr } = await project.ops('tasks')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('Try: ops migrate')
  })

  it('writes no escape codes into a pipe, and colours where they are forced, unless NO_COLOR says otherwise', async () => {
    const project = await projectWithTasks()
    expect((await project.ops('tasks')).stdout).not.toContain('\u001b')
    const forced = await project.opsWith({ env: { FORCE_COLOR: '1' } }, 'tasks')
    expect(forced.stdout).toContain('\u001b[31mfailed\u001b[39m')
    const without = await project.opsWith({ env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, 'tasks')
    expect(without.stdout).not.toContain('\u001b')
  })

  it('has its commands in its help, and knows a mistyped one', async () => {
    const project = new TestProject()
    const { stdout } = await project.ops('tasks', '--help')
    for (const command of ['cancel', 'logs', 'retry', 'show'])
      expect(stdout).toMatch(new RegExp(`^  tasks ${command} `, 'm'))
    const mistyped = await project.ops('tasks', 'shw', 'build', '1')
    expect(mistyped.exitCode).toBe(2)
    expect(mistyped.stderr).toContain(
      'Error: Unknown command "tasks shw". Did you mean "tasks show"?\nTry: ops tasks --help',
    )
  })
})
