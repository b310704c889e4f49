import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

async function outcome(how: string): Promise<{ project: TestProject; row: Record<string, unknown> | undefined }> {
  const project = await TestProject.withProbe()
  project.database.prepare('insert into outcomes (how) values (?)').run(how)
  const { exitCode } = await project.ops('worker', '--drain')
  expect(exitCode).toBe(0)
  return { project, row: project.rows('select status, error, answer, code from outcomes')[0] }
}

describe('a task', () => {
  it('fails with the first line of the error that its processor throws; the stack is in its log', async () => {
    const { project, row } = await outcome('throws')
    expect(row).toEqual({ status: 'failed', error: 'the first line', answer: null, code: null })
    expect(project.read('.ops/logs/outcomes/1.1.log')).toMatch(
      /Error: the first line\nand a second one\n +at .*outcome\.ts:/,
    )
  })

  it('fails when its processor returns a column that the table does not have', async () => {
    const { row } = await outcome('unknown column')
    expect(row).toMatchObject({
      status: 'failed',
      error: 'the processor returned anser; the columns of "outcomes" are how, answer, code',
    })
  })

  it('fails when its row cannot be read, and stops no other', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`insert into samples (title, labels) values ('torn', '{"a":'), ('whole', '{"a":1}')`)
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.rows('select title, status, error from samples')).toEqual([
      { title: 'torn', status: 'failed', error: expect.stringContaining('JSON') },
      { title: 'whole', status: 'succeeded', error: null },
    ])
  })

  it('gets the columns of a TaskError, where the table has them', async () => {
    const { row, project: first } = await outcome('fails with columns')
    expect(row).toEqual({ status: 'failed', error: 'it exited with 3', answer: null, code: 3 })
    // A TaskError is worded for people, who need no stack.
    expect(first.read('.ops/logs/outcomes/1.1.log')).not.toContain('    at ')
    const { row: other, project } = await outcome('fails with a code too many')
    expect(other).toEqual({ status: 'failed', error: 'it exited with 3', answer: null, code: null })
    expect(project.read('.ops/logs/outcomes/1.1.log')).toContain('the columns of this error were not written: reason')
  })

  it('succeeds when its processor returns nothing', async () => {
    const { row } = await outcome('nothing')
    expect(row).toEqual({ status: 'succeeded', error: null, answer: null, code: null })
  })

  it('gets the columns that its processor returns', async () => {
    const { row } = await outcome('columns')
    expect(row).toEqual({ status: 'succeeded', error: null, answer: 'yes', code: 7 })
  })

  it('has its own folder, removed at its end, and its run in the environment', async () => {
    const { project, row } = await outcome('reads')
    const folder = project.path('.ops/work/outcomes/1.1')
    const run = project.value<number>('select id from ops_runs')
    expect(row).toEqual({ status: 'succeeded', error: null, answer: `${folder}\n${run} outcome 1`, code: run })
    expect(existsSync(folder)).toBe(false)
    expect(project.read('.ops/logs/outcomes/1.1.log')).toMatch(/^one line\n/)
  })

  it('shows its progress in its row while it runs, written a few times a second at most', async () => {
    const project = await TestProject.withProbe()
    project.database.exec(`create table writes (at integer);
      create trigger count_writes after update of progress on outcomes when new.progress is not null
      begin insert into writes values (0); end;
      insert into outcomes (how) values ('reports')`)
    const worker = project.start('worker', '--once')
    await until(() => project.value('select progress_note from outcomes') !== null, 'the progress is in the row')
    expect(project.value('select status from outcomes')).toBe('ongoing')
    expect(await worker.exit).toBe(0)
    const writes = project.value<number>('select count(*) from writes')
    expect(writes).toBeGreaterThan(2)
    expect(writes).toBeLessThanOrEqual(9)
    // A failed task keeps its progress.
    expect(project.rows('select status, error, progress, progress_note from outcomes')).toEqual([
      { status: 'failed', error: 'after many reports', progress: 0.5, progress_note: 'the last' },
    ])
  })

  it('is settled although another program locks the database for three seconds', async () => {
    const project = await TestProject.withProbe()
    project.addScript('touch started; until [ -e go ]; do sleep 0.02; done')
    const worker = project.start('worker', '--once')
    await until(() => existsSync(project.path('started')), 'the task has started')
    project.database.exec('begin immediate')
    project.write('go', '')
    await delay(3000)
    expect(project.value('select status from scripts')).toBe('ongoing')
    project.database.exec('commit')
    expect(await worker.exit).toBe(0)
    expect(project.rows('select status, error from scripts')).toEqual([{ status: 'succeeded', error: null }])
    expect(project.value('select finished_at - started_at from scripts')).toBeGreaterThan(2900)
  })
})

describe('two workers on one database', () => {
  it('share the tasks and run none twice', async () => {
    const project = await TestProject.withProbe()
    const add = project.database.prepare('insert into scripts (script) values (?)')
    project.database.transaction(() => {
      // The first ends when the second has begun: only two workers can perform both.
      add.run('echo x >> 1.ran; until [ -e 2.ran ]; do sleep 0.02; done')
      for (let id = 2; id <= 30; id += 1) add.run(`echo x >> ${id}.ran; sleep 0.02`)
    })()
    const workers = [project.start('worker', '--drain'), project.start('worker', '--drain')]
    expect(await Promise.all(workers.map(({ exit }) => exit))).toEqual([0, 0])
    expect(project.value(`select count(*) from scripts where status = 'succeeded' and attempt = 1`)).toBe(30)
    expect(project.value('select count(*) from ops_runs')).toBe(30)
    expect(project.value('select count(distinct worker_id) from ops_runs')).toBe(2)
    const ran = Array.from({ length: 30 }, (_, index) => project.read(`${index + 1}.ran`))
    expect(ran).toEqual(ran.map(() => 'x\n'))
  })
})
