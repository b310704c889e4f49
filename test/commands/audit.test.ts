import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

async function projectWithPast(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  await project.ops('enqueue', 'outcome', '--how', 'throws')
  project.database.exec('insert into urgencies default values')
  await project.ops('worker', '--drain')
  return project
}

const eventsOf = (stdout: string) =>
  (JSON.parse(stdout) as { entries: { task: string; event: string }[] }).entries.map(
    ({ task, event }) => `${task} ${event}`,
  )

describe('ops audit', () => {
  it('shows what happened, the newest last, with who did it and why', async () => {
    const project = await projectWithPast()
    const { stdout, exitCode } = await project.ops('audit')
    expect(exitCode).toBe(0)
    const lines = stdout.split('\n')
    expect(lines).toHaveLength(7)
    expect(lines[0]).toMatch(/^time +task +event +status +by +detail$/)
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\d [\d:]+ {2}outcome 1 {2}enqueued +→ pending +.* \(ops enqueue\)$/)
    expect(lines.at(-1)).toMatch(/ {2}outcome 1 {2}failed +ongoing → failed +.* {2}the first line$/)
  })

  it('filters by table and by task, and is limited to the newest', async () => {
    const project = await projectWithPast()
    const audit = async (...flags: string[]) => eventsOf((await project.ops('audit', '--json', ...flags)).stdout)
    expect(await audit('--table', 'urgencies')).toEqual(['urgent 1 enqueued', 'urgent 1 started', 'urgent 1 succeeded'])
    expect(await audit('--table', 'urgent', '--limit', '1')).toEqual(['urgent 1 succeeded'])
    const ofTask = ['outcome 1 enqueued', 'outcome 1 started', 'outcome 1 failed']
    expect(await audit('--task', 'outcome 1')).toEqual(ofTask)
    expect(await audit('--task', 'outcomes 1')).toEqual(ofTask)
  })

  it.each([
    [['--task', 'outcome'], 'INVALID_TASK_NAME'],
    [['--task', 'outcome x'], 'INVALID_TASK_ID'],
    [['--task', 'nonsense 1'], 'UNKNOWN_PROCESSOR'],
    [['--table', 'nonsense'], 'UNKNOWN_TABLE'],
  ])('refuses %j with 2', async (flags, code) => {
    const { exitCode, stdout } = await (await TestProject.withProbe()).ops('audit', ...flags, '--json')
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout).error).toMatchObject({ code, severity: 'error' })
  })

  it('shows the past of a deleted task, and refuses a task that never was', async () => {
    const project = await projectWithPast()
    project.database.exec('delete from outcomes where id = 1')
    const deleted = await project.ops('audit', '--json', '--task', 'outcome 1')
    expect(eventsOf(deleted.stdout).at(-1)).toBe('outcome 1 deleted')
    const { exitCode, stdout, stderr } = await project.ops('audit', '--task', 'outcome 2')
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Error: outcome 2 not found.\nTry: ops tasks --table outcome',
    })
  })

  it('goes on with --follow, aligned, until Ctrl-C', async () => {
    const project = await projectWithPast()
    const following = project.start('audit', '--follow', '--limit', '1')
    await following.says('the first line')
    project.addScript('true')
    await following.says('script 1')
    following.kill('SIGINT')
    expect(await following.exit).toBe('SIGINT')
    const lines = following.output.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[2]).toMatch(/^\d{4}-\d\d-\d\d [\d:]+ {2}script 1 +enqueued {2}→ pending$/)
  })

  it('follows with --json in one line an entry', async () => {
    const project = await projectWithPast()
    const following = project.start('audit', '--follow', '--json')
    await following.says('"failed"')
    project.addScript('true')
    await following.says('script 1')
    await until(() => following.output.endsWith('\n'), 'the line is whole')
    const entries = following.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(entries).toHaveLength(7)
    expect(entries.at(-1)).toMatchObject({
      task: 'script 1',
      taskTable: 'scripts',
      event: 'enqueued',
      toStatus: 'pending',
    })
  })

  it('says that there are no entries', async () => {
    const project = await TestProject.withProbe()
    expect((await project.ops('audit')).stdout).toBe('No entries yet.')
  })
})
