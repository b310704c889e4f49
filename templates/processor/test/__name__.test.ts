import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestBench } from '@ops-cli/core/testing'
import processor from '../src/__name__.ts'

/** The bench performs tasks as a worker does, in a database created by the migrations. */
const migrations = join(import.meta.dirname, '..', 'migrations')

test('performs a task and logs its columns', async (t) => {
  const bench = await openTestBench(processor, { migrations })
  t.after(() => bench.close())
  const { task, log } = await bench.perform({
    __values__,
  })
  assert.equal(task.status, 'succeeded', `${task.error}\n${log}`)
  assert.match(log, /^__firstKey__: /m)
})
