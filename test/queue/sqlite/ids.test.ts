import { describe, expect, it } from 'vitest'
import { sqliteFixture } from '../../support/sqlite-fixture.ts'
import { allTables, queuedDeployments } from '../tables.ts'

const succeeded = { kind: 'succeeded', columns: {} } as const

describe('a task with an id beyond 2^53', () => {
  it('is claimed and settled as itself, and not as its neighbour', async () => {
    const { queue, raw, rows } = await sqliteFixture(allTables)
    const insert = raw.prepare('insert into deployments (id, environment, run_at) values (?, ?, ?)')
    insert.run(9007199254740993n, 'x', 1)
    insert.run(9007199254740992n, 'y', Date.now() + 3_600_000)
    const { run, task } = (await queue.claim([queuedDeployments]))!
    expect([run.taskId, task.id, task.environment]).toEqual(['9007199254740993', '9007199254740993', 'x'])
    expect((await queue.settle(run, succeeded)).held).toBe(true)
    expect(rows('select cast(id as text) as id, status from deployments order by deployments.id')).toEqual([
      { id: '9007199254740992', status: 'pending' },
      { id: '9007199254740993', status: 'succeeded' },
    ])
    expect(rows('select cast(task_id as text) as id, exclusive_key as held, outcome from ops_runs')).toEqual([
      { id: '9007199254740993', held: 'environment:x', outcome: 'succeeded' },
    ])
  })

  it('stops no other task', async () => {
    const { queue, raw } = await sqliteFixture(allTables)
    raw.exec(`insert into deployments (id, environment, run_at) values (1541815603606036481, 'x', 1), (7, 'y', 2)`)
    const first = (await queue.claim([queuedDeployments]))!
    expect(first.run.taskId).toBe('1541815603606036481')
    const { next } = await queue.settle(first.run, succeeded, [queuedDeployments])
    expect(next!.run.taskId).toBe(7)
  })
})

it('the id of an ongoing task cannot be given to another, which would replace it', async () => {
  const { queue, raw, rows } = await sqliteFixture(allTables)
  raw.exec(`insert into deployments (environment) values ('x'), ('y')`)
  const { run } = (await queue.claim([queuedDeployments]))!
  expect(run.taskId).toBe(1)
  expect(() => raw.exec('update or replace deployments set id = 1 where id = 2')).toThrow(
    'deployment 1 is ongoing and its id cannot change',
  )
  expect(rows('select id, status from deployments order by id')).toEqual([
    { id: 1, status: 'ongoing' },
    { id: 2, status: 'pending' },
  ])
})

it('the id of a task in an event is an integer, as in its row', async () => {
  const { queue, rows } = await sqliteFixture(allTables)
  await queue.enqueue(queuedDeployments.table, [{ environment: 'x' }])
  await queue.claim([queuedDeployments])
  await queue.cancel(queuedDeployments.table, 1, 'ada')
  expect(rows('select distinct typeof(task_id) as type from ops_audit')).toEqual([{ type: 'integer' }])
})
