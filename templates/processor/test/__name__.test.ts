import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTestBench } from '@ops-cli/core/testing'
import processor from '../src/__name__.ts'

/** Tasks are performed as a worker performs them, in a database that the migrations have made. */
const migrations = join(import.meta.dirname, '..', 'migrations')

test('a task of __name__ succeeds, and its log says what it was', async (t) => {
  const bench = await openTestBench(processor, { migrations })
  t.after(() => bench.close())
  const { task, log } = await bench.perform({
    __values__,
  })
  assert.equal(task.status, 'succeeded', `${task.error}\n${log}`)
  assert.match(log, /^__firstKey__: /m)
})
