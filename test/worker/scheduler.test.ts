import { describe, expect, it, onTestFinished } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { parseCron } from '../../src/worker/schedule.ts'
import { Scheduler } from '../../src/worker/scheduler.ts'
import { WorkerLog } from '../../src/worker/worker-log.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { type WorkerFixture, workerDatabases } from '../support/worker-here.ts'

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

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const others = taskTable('others', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', table: notes, perform: () => {} })
const other = defineProcessor({ name: 'other', table: others, perform: () => {} })

for (const database of workerDatabases) {
  describe(`a scheduler on ${database.name}`, unless(database.missing), () => {
    const running = (
      { queue, processors }: Pick<WorkerFixture, 'queue' | 'processors'>,
      schedules: Readonly<Record<string, string>>,
      pattern = '* * * * * *',
    ) => {
      const log = { text: '' }
      const write = (text: string) => {
        log.text += text
      }
      const planned = Object.entries(schedules).map(([name, processor]) => ({
        name,
        cron: parseCron(pattern, undefined),
        missed: 'run_once' as const,
        definition: pattern,
        queued: processors.find(({ queued }) => queued.processor === processor)!.queued,
        row: { text: name },
      }))
      const scheduler = new Scheduler(queue, planned, new WorkerLog(write, false))
      onTestFinished(() => scheduler.stop())
      return { scheduler, log }
    }
    const count = async ({ sql }: Pick<WorkerFixture, 'sql'>, table: string) =>
      Number((await sql(`select count(*) as n from ${table}`))[0]!.n)

    it('goes on with the others when one cannot add its task, and says why once', async () => {
      const fixture = await database.with([note, other])
      await fixture.sql('alter table notes rename to hidden')
      const { scheduler, log } = running(fixture, { first: 'note', second: 'other' })
      await scheduler.start()
      await until(async () => (await count(fixture, 'others')) >= 3, 'the other has ticked')
      expect(log.text.match(/schedule first: cannot add its note for \S+Z: .*notes.*; trying again/g)).toHaveLength(1)
      const states = await fixture.queue.schedules.list()
      expect(states[0]).toMatchObject({ name: 'first', failure: { error: expect.stringContaining('notes') } })
      expect(states[1]!.failure).toBeUndefined()
      await fixture.sql('alter table hidden rename to notes')
      await until(async () => (await count(fixture, 'notes')) >= 1, 'it adds its task again')
      expect((await fixture.queue.schedules.list())[0]!.failure).toBeUndefined()
    })

    it('questions a last tick in the future', async () => {
      const fixture = await database.with([note])
      const first = running(fixture, { often: 'note' })
      await first.scheduler.start()
      await until(async () => (await count(fixture, 'notes')) >= 1, 'there was a tick')
      await first.scheduler.stop()
      const nextYear = new Date(Date.now() + 365 * 24 * 3_600_000)
      const stored = database.name === 'SQLite' ? nextYear.getTime() : `'${nextYear.toISOString()}'`
      await fixture.sql(`update ops_schedules set since_at = ${stored}, last_tick_at = ${stored}`)
      const before = await count(fixture, 'notes')
      const second = running(fixture, { often: 'note' })
      await second.scheduler.start()
      await until(async () => (await count(fixture, 'notes')) > before, 'it ticks again')
      expect(second.log.text).toContain(
        `schedule often: the last tick, ${nextYear.toISOString()}, is in the future, so a clock was wrong`,
      )
    })

    it('does not question a tick that came a moment early', async () => {
      const fixture = await database.with([note])
      const daily = running(fixture, { daily: 'note' }, '0 3 * * *')
      await daily.scheduler.start()
      await daily.scheduler.stop()
      const next = parseCron('0 3 * * *', undefined).nextRun()!
      await fixture.queue.schedules.tick('daily', next, undefined)
      const again = running(fixture, { daily: 'note' }, '0 3 * * *')
      await again.scheduler.start()
      expect((await fixture.queue.schedules.list())[0]!.lastTickAt).toEqual(next)
      expect(again.log.text).toBe('')
    })

    it('does not catch up a schedule that was removed meanwhile', async () => {
      const fixture = await database.with([note])
      const lastYear = new Date(Date.now() - 400 * 24 * 3_600_000)
      await fixture.queue.schedules.register('yearly', '0 0 1 1 *', lastYear)
      const without = running(fixture, {})
      await without.scheduler.start()
      await without.scheduler.stop()
      const again = running(fixture, { yearly: 'note' }, '0 0 1 1 *')
      await again.scheduler.start()
      expect(await count(fixture, 'notes')).toBe(0)
    })
  })
}
