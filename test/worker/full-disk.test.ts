import { describe, expect, it } from 'vitest'
import { SmallDisk, smallDiskMissing } from '../support/small-disk.ts'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

/** A project whose database alone is on a disk of 2 MB. */
async function onSmallDisk(): Promise<{ project: TestProject; disk: SmallDisk }> {
  const project = new TestProject()
  project.link({ name: 'ops-plugin-probe', root: probePlugin })
  project.write('ops.config.json', JSON.stringify({ database: 'sqlite:small/ops.db' }))
  const disk = new SmallDisk(project.path('small'), 2)
  await project.ops('migrate')
  return { project, disk }
}

function unusable(project: TestProject, problem: string): string {
  return `The database ${project.path('small/ops.db')} cannot be used: ${problem}.`
}

describe('a worker whose disk is full', unless(smallDiskMissing), () => {
  it('keeps the outcome of its task, logs the problem, and writes the outcome when there is space', async () => {
    const { project, disk } = await onSmallDisk()
    const database = project.openDatabase('small/ops.db')
    const insert = database.prepare('insert into scripts (script) values (?)')
    insert.run(`${disk.fillCommand}; echo done`)
    insert.run('echo next')
    const worker = project.start('worker')
    await worker.says('settling a task failed: The database')
    expect(worker.output).toContain('cannot be used: the disk is full; retrying in')
    const statuses = database.prepare('select status from scripts order by id').pluck()
    expect(statuses.all()).toEqual(['ongoing', 'pending'])
    disk.makeRoom()
    await worker.event('succeeded', 'script 2')
    expect(statuses.all()).toEqual(['succeeded', 'succeeded'])
    expect(database.prepare('select output from scripts').pluck().all()).toEqual(['done', 'next'])
    expect(database.prepare('select outcome from ops_runs').pluck().all()).toEqual(['succeeded', 'succeeded'])
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })

  it('leaves the task to the next worker when it is killed before there is space', async () => {
    const { project, disk } = await onSmallDisk()
    const database = project.openDatabase('small/ops.db')
    database.prepare('insert into scripts (script) values (?)').run(disk.fillCommand)
    const worker = project.start('worker')
    await worker.says('the disk is full')
    worker.kill('SIGKILL')
    await worker.exit
    disk.makeRoom()
    await project.ops('worker', '--drain')
    expect(database.prepare('select outcome from ops_runs').pluck().all()).toEqual(['crashed'])
  })

  it.each([
    ['to the worker that starts', ['worker', '--drain']],
    ['to who enqueues', ['enqueue', 'script', '--script', 'true']],
  ])('is reported in one sentence %s', async (_, args) => {
    const { project, disk } = await onSmallDisk()
    disk.fill()
    const { exitCode, stderr } = await project.ops(...args)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain(unusable(project, 'the disk is full'))
    expect(unwrapped(stderr)).toContain(`Free space on the disk of ${disk.folder}`)
    disk.makeRoom()
    expect((await project.ops(...args)).exitCode).toBe(0)
  })
})

describe('a database that cannot be written', unless(smallDiskMissing), () => {
  it.each([
    ['to the worker', ['worker', '--drain']],
    ['to who enqueues', ['enqueue', 'script', '--script', 'true']],
  ])('is reported in one sentence %s', async (_, args) => {
    const { project, disk } = await onSmallDisk()
    disk.readOnly()
    const { exitCode, stderr } = await project.ops(...args)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(/The database .+ cannot be used: it is not writable: /)
    expect(unwrapped(stderr)).toContain('this user can write to it')
  })
})
