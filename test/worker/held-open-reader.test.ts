import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { WAL_LIMIT_BYTES } from '../../src/queue/sqlite/checkpoint.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

/** Each leaves about 11 kB of log behind a reader. */
const TASKS = 8000

it('a reader that holds the database open costs no task, and the log is small again soon after it has left', async () => {
  const project = await TestProject.withProbe({ sqlite: { synchronous: 'NORMAL' } })
  const logSize = () => statSync(project.path('.ops/ops.db-wal')).size
  project.database
    .prepare(
      `insert into ordinaries (note) with recursive i (n) as (select 1 union all select n + 1 from i where n < ?) select n from i`,
    )
    .run(TASKS)
  const reader = new Database(project.path('.ops/ops.db'))
  onTestFinished(() => void reader.close())
  reader.exec('begin')
  const pending = reader.prepare(`select count(*) from ordinaries where status = 'pending'`).pluck()
  expect(pending.get()).toBe(TASKS)
  const worker = project.start('worker')
  const succeeded = project.database.prepare(`select count(*) from ops_runs where outcome = 'succeeded'`).pluck()
  await until(() => succeeded.get() === TASKS, 'all tasks are done')
  expect(logSize()).toBeGreaterThan(WAL_LIMIT_BYTES)
  expect(pending.get()).toBe(TASKS)
  reader.exec('commit')
  // Nobody writes any more: the idle worker does it.
  await until(() => logSize() <= WAL_LIMIT_BYTES, 'the log is small again')
  expect(pending.get()).toBe(0)
  worker.kill('SIGTERM')
  expect(await worker.exit).toBe(0)
})
