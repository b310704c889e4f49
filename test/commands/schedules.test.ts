import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const nightly = { cron: '0 3 * * *', timeZone: 'America/New_York', enqueue: 'urgent' } as const
const often = { cron: '* * * * * *', enqueue: 'ordinary', missed: 'skip' } as const

describe('ops schedules', () => {
  it('lists the schedules with their next times, before any worker has seen them', async () => {
    const project = await TestProject.withProbe({ schedules: { nightly } })
    const { stdout, exitCode } = await project.ops('schedules')
    expect(exitCode).toBe(0)
    const [header, line] = stdout.split('\n')
    expect(header).toMatch(/^schedule +enqueues +cron +next +last +time zone +missed$/)
    expect(line).toMatch(
      /^nightly {3}urgent +0 3 \* \* \* {2}\d{4}-\d\d-\d\d 03:00 \(in .*\) {2}not seen by a worker yet {2}America\/New_York {2}run once$/,
    )
  })

  it('says when each was last, and which task it added', async () => {
    const project = await TestProject.withProbe({ schedules: { often, nightly } })
    const worker = project.start('worker')
    await worker.event('tick')
    await worker.event('succeeded', 'ordinary 1')
    worker.kill('SIGTERM')
    await worker.exit
    const { schedules } = JSON.parse((await project.ops('schedules', '--json')).stdout)
    expect(schedules[0]).toMatchObject({ name: 'often', processor: 'ordinary', missed: 'skip', isKnown: true })
    expect(schedules[0].lastTask).toMatch(/^ordinary \d+$/)
    expect(schedules[0].lastTickAt).toMatch(/Z$/)
    expect(new Date(schedules[0].nextTickAt).getTime()).toBeGreaterThan(new Date(schedules[0].lastTickAt).getTime())
    expect(schedules[1]).toMatchObject({ name: 'nightly', timeZone: 'America/New_York', isKnown: true })
    expect((await project.ops('schedules')).stdout).toMatch(
      /ordinary \d+, \d{4}-.* ago\)|ordinary \d+, \d{4}-.*\(now\)/,
    )
  })

  it('shows why one cannot add its task, and so does ops doctor', async () => {
    const project = await TestProject.withProbe({ schedules: { often, nightly } })
    project.database.exec('alter table ordinaries rename to hidden')
    const worker = project.start('worker', '--only', 'urgent')
    await worker.says('schedule often: cannot add its ordinary')
    worker.kill('SIGTERM')
    await worker.exit
    const { stdout } = await project.ops('schedules')
    expect(stdout).toMatch(/^often .* failed (now|\d+ s ago): no such table: /m)
    const { schedules } = JSON.parse((await project.ops('schedules', '--json')).stdout)
    expect(schedules.map(({ failure }: { failure?: { error: string } }) => failure?.error)).toEqual([
      expect.stringContaining('no such table'),
      undefined,
    ])
    project.database.exec('alter table hidden rename to ordinaries')
    const { checks } = JSON.parse((await project.ops('doctor', '--json')).stdout)
    expect(checks).toContainEqual(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'SCHEDULE_FAILING', where: 'schedules.often' }),
      }),
    )
  })

  it('shows how to write one where there is none', async () => {
    const { stdout, exitCode } = await new TestProject().ops('schedules')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('No schedules.')
    expect(stdout).toContain(`cron: '0 3 * * *'`)
  })

  it('exits 78 when the configuration has one that cannot be', async () => {
    const project = new TestProject()
    project.write(
      'ops.config.json',
      JSON.stringify({ schedules: { wrong: { cron: 'whenever', enqueue: 'build' } }, plugins: { build: {} } }),
    )
    const { exitCode, stderr } = await project.ops('schedules')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('invalid cron expression "whenever"')
  })

  it('has one clear error where there is no database', async () => {
    const project = new TestProject()
    project.write(
      'ops.config.json',
      JSON.stringify({
        schedules: { x: { cron: '@daily', enqueue: 'build', with: { repository: '.' } } },
        plugins: { build: {} },
      }),
    )
    const { exitCode, stderr } = await project.ops('schedules')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('cannot be used: the file does not exist.')
  })
})
