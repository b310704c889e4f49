import { describe, expect, it } from 'vitest'
import { projectWithSingle } from '../support/single-plugin.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

async function projectWithFailures(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  project.addScript('echo first; test -e mended')
  project.addScript('exit 1')
  project.addScript('true')
  await project.ops('worker', '--drain')
  return project
}

const statuses = (project: TestProject) =>
  project.rows('select status from scripts order by id').map(({ status }) => status)

describe('ops tasks retry', () => {
  it('makes failed tasks pending again, in the name of the user', async () => {
    const project = await projectWithFailures()
    const { exitCode, stdout } = await project.ops('tasks', 'retry', 'script', '1', '2')
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'script 1 is pending again\nscript 2 is pending again',
    })
    expect(statuses(project)).toEqual(['pending', 'pending', 'succeeded'])
    expect(project.value(`select actor from ops_audit where event = 'retried' limit 1`)).toMatch(/ \(ops retry\)$/)
  })

  it('refuses a task that did not fail, with what to do', async () => {
    const project = await projectWithFailures()
    const succeeded = await project.ops('tasks', 'retry', 'script', '3')
    expect(succeeded.exitCode).toBe(1)
    expect(unwrapped(succeeded.stderr)).toContain(
      'script 3 has succeeded; only failed and canceled tasks can be retried.',
    )
    project.addScript('sleep 100')
    project.database.exec(`update scripts set status = 'ongoing' where id = 4`)
    const ongoing = await project.ops('tasks', 'retry', 'script', '4')
    expect(ongoing.exitCode).toBe(1)
    expect(unwrapped(ongoing.stderr)).toContain('script 4 is ongoing; only failed and canceled tasks can be retried.')
    expect(ongoing.stderr).toContain('ops tasks cancel script 4')
  })

  it('does of several what it can, tells the rest, and exits 1', async () => {
    const project = await projectWithFailures()
    const { exitCode, stdout, stderr } = await project.ops('tasks', 'retry', 'script', '3', '1', '99')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'script 1 is pending again' })
    expect(stderr).toContain('script 3 has succeeded')
    expect(stderr).toContain('script 99 not found.')
    const json = await project.ops('tasks', 'retry', 'script', '2', '99', '--json')
    expect(json.exitCode).toBe(1)
    expect(JSON.parse(json.stdout)).toEqual({
      tasks: [
        { task: 'script 2', id: 2, status: 'pending' },
        {
          task: 'script 99',
          id: 99,
          error: expect.objectContaining({ code: 'TASK_NOT_FOUND', message: 'script 99 not found.' }),
        },
      ],
    })
  })

  it('changes nothing when one of the ids is none', async () => {
    const project = await projectWithFailures()
    const { exitCode } = await project.ops('tasks', 'retry', 'script', '1', 'two')
    expect(exitCode).toBe(2)
    expect(statuses(project)).toEqual(['failed', 'failed', 'succeeded'])
  })

  it('follows the new attempt alone with --wait, and exits by its end', async () => {
    const project = await projectWithFailures()
    project.start('worker')
    const failed = await project.ops('tasks', 'retry', 'script', '1', '--wait')
    expect(failed.exitCode).toBe(1)
    expect(failed.stdout.match(/^first$/gm)).toHaveLength(1)
    project.write('mended', '')
    const mended = await project.ops('tasks', 'retry', 'script', '1', '--wait')
    expect(mended.exitCode).toBe(0)
    expect(mended.stdout.split('\n').at(-1)).toBe('── script 1 succeeded')
  })

  it('refuses a task while another one like it waits, where no two may', async () => {
    const project = await projectWithSingle()
    await project.ops('enqueue', 'single', '--name', 'x')
    await project.ops('worker', '--drain')
    await project.ops('enqueue', 'single', '--name', 'x')
    const { exitCode, stderr } = await project.ops('tasks', 'retry', 'single', '1')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('single 1 cannot be retried: it must be unique, and single 2 is the same')
  })

  it('makes a task due that is scheduled for later, itself or the one that is the same', async () => {
    const project = await projectWithSingle()
    await project.ops('enqueue', 'single', '--name', 'x')
    await project.ops('worker', '--drain')
    await project.ops('enqueue', 'single', '--name', 'x', '--in', '1h')
    const twin = await project.ops('tasks', 'retry', 'single', '1')
    expect(twin.exitCode).toBe(0)
    expect(twin.stdout).toMatch(/^single 1 is the same as single 2 \(was scheduled for .{19}, now due\)$/)
    expect(project.value<number>('select run_at from singles where id = 2')).toBeLessThanOrEqual(Date.now())
    project.database.exec('update singles set run_at = 1900000000000 where id = 2')
    const own = JSON.parse((await project.ops('tasks', 'retry', 'single', '2', '--json')).stdout)
    expect(own.tasks).toEqual([
      {
        ...{ task: 'single 2', id: 2, status: 'pending' },
        madeDue: { task: 'single 2', id: 2, scheduledFor: new Date(1900000000000).toISOString() },
      },
    ])
    expect((await project.ops('tasks', 'retry', 'single', '2')).exitCode).toBe(1)
  })
})
