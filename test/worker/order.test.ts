import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'

/** The tasks in the order their runs started. */
function order(project: TestProject): string[] {
  return project
    .rows<{ task: string }>(`select task_table || ' ' || task_id as task from ops_runs order by id`)
    .map(({ task }) => task)
}

describe('a worker', () => {
  it('runs tables by priority, and the tasks of each in order of arrival', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into ordinaries (note) values ('a'), ('b')`)
    project.database.exec(`insert into urgencies (note) values ('c'), ('d')`)
    const { exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(0)
    expect(order(project)).toEqual(['urgencies 1', 'urgencies 2', 'ordinaries 1', 'ordinaries 2'])
  })

  it('starts at the highest priority again after each task', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into ordinaries (note, calls) values ('a', 1), ('b', 1)`)
    await project.ops('worker', '--drain')
    expect(order(project)).toEqual(['ordinaries 1', 'urgencies 1', 'ordinaries 2', 'urgencies 2'])
  })

  it('goes from task to task without a pause', async () => {
    const project = await TestProject.withProbe()
    const insert = project.database.prepare(`insert into ordinaries (note) values ('x')`)
    project.database.transaction(() => Array.from({ length: 200 }, () => insert.run()))()
    await project.ops('worker', '--drain', '--poll-interval', '60s')
    const gaps = project.rows<{ gap: number }>(
      'select started_at - lag(finished_at) over (order by id) as gap from ordinaries order by id limit -1 offset 1',
    )
    expect(gaps).toHaveLength(199)
    // Far below the poll interval, and no run starts before the previous one has ended.
    expect(gaps.filter(({ gap }) => gap < 0 || gap > 5000)).toEqual([])
  })

  it('ignores tasks of processors that --only does not name', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into ordinaries default values`)
    project.database.exec(`insert into urgencies default values`)
    await project.ops('worker', '--drain', '--only', 'ordinary,script')
    expect(order(project)).toEqual(['ordinaries 1'])
    expect(project.value('select status from urgencies')).toBe('pending')
  })

  it('exits after one task with --once', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into urgencies (note) values ('a'), ('b')`)
    const { exitCode } = await project.ops('worker', '--once')
    expect(exitCode).toBe(0)
    expect(project.rows('select status from urgencies order by id')).toEqual([
      { status: 'succeeded' },
      { status: 'pending' },
    ])
  })

  it('waits for a task with --once', async () => {
    const project = await TestProject.withProbe()
    const worker = project.start('worker', '--once', '--poll-interval', '60s')
    await worker.event('polling')
    project.database.exec(`insert into urgencies default values`)
    expect(await worker.exit).toBe(0)
    expect(project.value('select status from urgencies')).toBe('succeeded')
  })

  it('exits at once with --drain when no task is due, and leaves scheduled tasks', async () => {
    const project = await TestProject.withProbe()
    project.database.prepare(`insert into urgencies (run_at) values (?)`).run(Date.now() + 3_600_000)
    const { exitCode } = await project.ops('worker', '--drain', '--poll-interval', '60s')
    expect(exitCode).toBe(0)
    expect(project.value('select status from urgencies')).toBe('pending')
  })
})
