import { describe, expect, it } from 'vitest'
import { claimStatement } from '../../../src/queue/postgres/claim.ts'
import { postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, checks, queuedChecks } from '../tables.ts'

describe('the claim statement', unless(postgresMissing), () => {
  it('returns the task of a run that was started without an answer, even if no other task is pending', async () => {
    const { queue, raw } = await postgresFixture(allTables)
    await queue.enqueue(checks, [{}])
    const { run } = (await queue.claim(allTables))!
    const statement = claimStatement([queuedChecks])
    expect((await raw.query(statement, ['ops', null])).rows).toEqual([])
    const { rows } = await raw.query(statement, ['ops', run.id])
    expect(rows).toMatchObject([{ place: 0, claim: { run: run.id, task: '1' } }])
  })
})
