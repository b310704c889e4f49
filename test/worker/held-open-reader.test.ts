import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { WAL_LIMIT_BYTES } from '../../src/queue/sqlite/open-database.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

/** Each adds about 11 kB to the WAL while a reader is open. */
const TASKS = 8000

it('a reader that holds the database open delays no task, and the WAL is small again soon after it closes', async () => {
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
  // Nothing writes any more: the idle worker checkpoints.
  await until(() => logSize() <= WAL_LIMIT_BYTES, 'the log is small again')
  expect(pending.get()).toBe(0)
  worker.kill('SIGTERM')
  expect(await worker.exit).toBe(0)
})
