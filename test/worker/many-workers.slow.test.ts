import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startProgram } from '../support/start-program.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

const WORKERS = 4
const TASKS = 1500
const INSERTS = 100

/** Of all runs; a fourth would be even. */
const LEAST_SHARE = 0.05

it('four workers and two writers share one file without busy errors or starvation', async () => {
  const project = await TestProject.withProbe()
  const workers = Array.from({ length: WORKERS }, () => project.start('worker', '--only', 'ordinary'))
  await Promise.all(workers.map((worker) => worker.event('polling')))
  const file = project.path('.ops/ops.db')
  const program = join(import.meta.dirname, 'programs', 'insert-ordinaries.ts')
  const writers = ['ops', 'foreign'].map((how) => startProgram(program, how, file, String(INSERTS)))
  for (const writer of writers) expect(await writer.line()).toBe('ready')
  project.database
    .prepare(
      `insert into ordinaries (note) with recursive i (n) as (select 1 union all select n + 1 from i where n < ?) select n from i`,
    )
    .run(TASKS)
  for (const writer of writers) writer.say('go')
  const told = await Promise.all(writers.map(async (writer) => JSON.parse(await writer.line())))
  const succeeded = project.database.prepare(`select count(*) from ordinaries where status = 'succeeded'`).pluck()
  const all = TASKS + writers.length * INSERTS
  await until(() => succeeded.get() === all, 'all tasks are done')
  for (const worker of workers) {
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(worker.output).not.toMatch(/busy|locked|"level":"error"/i)
  }
  for (const { longest, errors } of told) {
    expect(errors).toEqual([])
    expect(longest).toBeLessThan(5000)
  }
  const shares = project.rows<{ runs: number }>('select count(*) as runs from ops_runs group by worker_id')
  expect(shares.reduce((sum, { runs }) => sum + runs, 0)).toBe(all)
  expect(Math.min(...shares.map(({ runs }) => runs))).toBeGreaterThan(LEAST_SHARE * all)
  expect(shares).toHaveLength(WORKERS)
})
