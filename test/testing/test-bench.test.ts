import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AnyProcessor, defineProcessor, type Processor } from '../../src/processor/define-processor.ts'
import { createTable } from '../../src/task-table/create-table.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { openTestBench, type TestBenchOptions } from '../../src/testing/testing.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const builds = taskTable('builds', (column) => ({ repository: column.text().notNull() }))

const sums = taskTable('sums', (column) => ({
  terms: column.json<number[]>().notNull(),
  buildId: column.reference(() => builds),
  total: column.integer().result(),
}))

const sum = defineProcessor({
  name: 'sum',
  table: sums,
  perform({ terms }, { log, progress }) {
    progress(0.5, 'adding')
    log(`adding ${terms.length}`)
    return { total: terms.reduce((total, term) => total + term, 0) }
  },
})

async function bench<Select extends object, Insert extends object, Own extends object, Settings>(
  processor: Processor<Select, Insert, Own, Settings>,
  options?: TestBenchOptions,
) {
  const opened = await openTestBench(processor, options)
  onTestFinished(() => opened.close())
  return opened
}

/** A processor of `sums` with the given code. */
function processorThat(perform: AnyProcessor['perform'], rules: Partial<AnyProcessor> = {}): typeof sum {
  return defineProcessor({ name: 'sum', table: sums, ...rules, perform }) as typeof sum
}

function migrationsOf(statement: string): string {
  const migrations = temporaryFolder()
  mkdirSync(join(migrations, 'sqlite'))
  writeFileSync(join(migrations, 'sqlite', '0000_sums.sql'), statement)
  return migrations
}

const forever = processorThat((_, { exec }) => exec('sh', ['-c', 'echo started; sleep 60']))

describe('a test bench', () => {
  it('performs a task and returns its row, log and progress', async () => {
    const { task, ...rest } = await (await bench(sum)).perform({ terms: [1, 2] })
    expect(task).toMatchObject({ id: 1, status: 'succeeded', terms: [1, 2], total: 3, attempt: 1, progress: 1 })
    expect(rest).toEqual({
      outcome: 'succeeded',
      log: 'adding 2\n',
      progress: [{ fraction: 0.5, note: 'adding' }],
    })
  })

  it('returns why a task failed and does not reject', async () => {
    const failing = processorThat(() => {
      throw new Error('no numbers')
    })
    const { task, outcome } = await (await bench(failing)).perform({ terms: [] })
    expect({ outcome, status: task.status, error: task.error }).toEqual({
      outcome: 'failed',
      status: 'failed',
      error: 'no numbers',
    })
  })

  it('fails a task whose result does not fit its table', async () => {
    const wrong = processorThat(() => ({ total: 1n << 70n }))
    expect((await (await bench(wrong)).perform({ terms: [] })).task).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('its end could not be written, "sums" refused its columns'),
    })
  })

  it('refuses a task that `ops enqueue` would refuse', async () => {
    const checked = processorThat(() => undefined, {
      input: v.looseObject({ terms: v.pipe(v.array(v.number()), v.minLength(1, 'must not be empty')) }),
    })
    const opened = await bench(checked)
    await expect(opened.add({} as never)).rejects.toThrow('Invalid task for "sum": "terms" is missing')
    await expect(opened.add({ terms: [] })).rejects.toThrow('must not be empty')
  })

  it('checks the settings with the schema of the processor', async () => {
    const settings = v.object({ limit: v.number() })
    const limited = defineProcessor({
      name: 'sum',
      table: sums,
      settings,
      perform: (_, context) => ({ total: context.settings.limit }),
    })
    expect((await (await bench(limited, { settings: { limit: 7 } })).perform({ terms: [] })).task.total).toBe(7)
    await expect(openTestBench(limited)).rejects.toThrow('The configuration given to the test bench of "sum": ')
  })

  it('creates the tables by the migrations of the plugin', async () => {
    const migrations = migrationsOf(
      createTable(sums, 'sqlite')[0]!.replace('`total` integer', '`total` integer default 5'),
    )
    const { task } = await (
      await bench(
        processorThat(() => undefined),
        { migrations },
      )
    ).perform({ terms: [] })
    expect(task).toMatchObject({ status: 'succeeded', total: 5 })
  })

  it('names the columns that the migrations leave out', async () => {
    const [statement] = createTable(sums, 'sqlite')
    const without = openTestBench(sum, { migrations: migrationsOf(statement!.replace('`total` integer,', '')) })
    await expect(without).rejects.toThrow(
      'The migrations create "sums" without total; generate the next one: ops generate migration',
    )
    const none = openTestBench(sum, { migrations: migrationsOf('select 1') })
    await expect(none).rejects.toThrow('The migrations do not create the table "sums"')
  })

  it('leaves nothing behind', async () => {
    const opened = await openTestBench(sum)
    await opened.perform({ terms: [] })
    expect(existsSync(opened.directory)).toBe(true)
    await opened.close()
    expect(existsSync(opened.directory)).toBe(false)
  })
})

describe('a task on the bench', () => {
  it('waits for its prerequisite', async () => {
    const after = processorThat(() => ({ total: 1 }), { after: 'buildId' })
    const opened = await bench(after)
    const buildId = Number(await opened.addTo(builds, { repository: '.' }))
    await opened.add({ terms: [], buildId })
    expect(await opened.performNext()).toBeUndefined()
    await opened.database.run(`update builds set status = 'canceled' where id = ${buildId}`)
    expect((await opened.performNext())!.task).toMatchObject({ status: 'failed', error: 'builds 1 was canceled' })
  })

  it('is retried when it is due', async () => {
    let runs = 0
    const flaky = processorThat(
      () => {
        runs += 1
        if (runs === 1) throw new Error('not yet')
        return { total: runs }
      },
      { retry: { attempts: 2, delay: '1h' } },
    )
    const opened = await bench(flaky)
    const { task } = await opened.perform({ terms: [] })
    expect(task).toMatchObject({ status: 'pending', error: 'not yet', attempt: 1 })
    expect(await opened.performNext()).toBeUndefined()
    await opened.skipWait(task.id)
    expect((await opened.performNext())!.task).toMatchObject({ status: 'succeeded', total: 2, attempt: 2 })
  })

  it('is not due before its scheduled time', async () => {
    const opened = await bench(sum)
    const id = await opened.add({ terms: [1] }, { runAt: new Date('2200-01-01') })
    expect(await opened.performNext()).toBeUndefined()
    await opened.skipWait(id)
    expect((await opened.performNext())!.task).toMatchObject({ status: 'succeeded' })
  })

  it.each([
    ['is canceled', 'cancel', { outcome: 'canceled', status: 'canceled', error: 'canceled by the test' }],
    ['times out', 'timeOut', { outcome: 'timed_out', status: 'failed', error: 'timed out after 10m' }],
    ['is interrupted', 'interrupt', { outcome: 'interrupted', status: 'failed', error: 'interrupted by shutdown' }],
    ['loses its worker', 'crash', { outcome: 'crashed', status: 'failed', error: expect.stringContaining('died') }],
  ] as const)('%s on request, and its programs end', async (_, how, expected) => {
    const slow = processorThat(forever.perform, { timeout: '10m' })
    const running = await (await bench(slow)).start({ terms: [] })
    await running.until('started')
    const { task, outcome } = await running[how]()
    expect({ outcome, status: task.status, error: task.error }).toEqual(expected)
  })

  it('is pending again after a crash with onCrash: retry, until it is quarantined', async () => {
    const again = processorThat(forever.perform, { onCrash: 'retry' })
    const opened = await bench(again)
    const first = await opened.start({ terms: [] })
    await first.until('started')
    expect((await first.crash()).task.status).toBe('pending')
    for (const outcome of ['crashed', 'quarantined']) {
      const next = (await opened.startNext())!
      await next.until('started')
      expect((await next.crash()).outcome).toBe(outcome)
    }
    expect(await opened.find(1)).toMatchObject({ status: 'failed' })
  })
})
