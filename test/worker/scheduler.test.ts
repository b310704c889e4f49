import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

const everySecond = { cron: '* * * * * *', enqueue: 'urgent', with: { note: 'tick' } }

describe('the schedules of a project', () => {
  it('enqueue each tick once with several workers, also while a task runs', async () => {
    const project = await TestProject.withProbe({ schedules: { often: everySecond } })
    project.addScript('sleep 3')
    const workers = [project.start('worker'), project.start('worker'), project.start('worker')]
    await until(() => project.value<number>('select count(*) from urgencies') >= 3, 'there were three ticks')
    for (const worker of workers) worker.kill('SIGTERM')
    await Promise.all(workers.map((worker) => worker.exit))
    const ticks = workers.flatMap((worker) => worker.events().filter(({ event }) => event === 'tick'))
    const instants = ticks.map((tick) => (tick as unknown as { tick: string }).tick)
    expect(new Set(instants).size).toBe(instants.length)
    expect(project.value('select count(*) from urgencies')).toBe(instants.length)
    expect(
      project.rows(`select distinct actor from ops_audit where task_table = 'urgencies' and event = 'enqueued'`),
    ).toEqual([{ actor: 'schedule often' }])
    expect(project.rows('select distinct note from urgencies')).toEqual([{ note: 'tick' }])
  })

  it.each([
    ['run_once', 1],
    ['skip', 0],
  ] as const)('make up for ticks without a worker as they say: %s', async (missed, count) => {
    const yearly = { cron: '0 0 1 1 *', enqueue: 'urgent', missed }
    const project = await TestProject.withProbe({ schedules: { yearly } })
    await project.ops('worker', '--drain')
    const fiveYearsAgo = Date.now() - 5 * 365 * 24 * 3_600_000
    project.database.prepare('update ops_schedules set since_at = ?').run(fiveYearsAgo)
    await project.ops('worker', '--drain')
    await project.ops('worker', '--drain')
    expect(project.value('select count(*) from urgencies')).toBe(count)
  })

  it('are checked before a worker starts, and every problem is reported', async () => {
    const project = await TestProject.withProbe({
      schedules: {
        one: { cron: '61 * * * *', enqueue: 'urgent' },
        two: { cron: '0 3 * * *', timeZone: 'Europe/Berln', enqueue: 'urgent' },
        three: { cron: '0 3 * * *', enqueue: 'urgnt' },
        four: { cron: '0 3 * * *', enqueue: 'urgent', with: { noet: 'x' } },
      },
    })
    const { exitCode, stderr } = await project.ops('worker')
    expect(exitCode).toBe(78)
    for (const part of [
      'schedules.one: invalid cron expression "61 * * * *"',
      'schedules.two: unknown time zone "Europe/Berln"',
      'schedules.three.enqueue: unknown processor "urgnt", did you mean "urgent"?',
      'schedules.four.with: unknown column "noet"; did you mean "note"?',
      'Try: ops processors # list them',
    ])
      expect(unwrapped(stderr)).toContain(part)
  })
})
