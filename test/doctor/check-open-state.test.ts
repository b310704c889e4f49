import { describe, expect, it } from 'vitest'
import { checkOpenState } from '../../src/doctor/check-open-state.ts'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import type { Project } from '../../src/project/open-project.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', table: notes, exclusive: true, async perform() {} })
const succeeded = { kind: 'succeeded', columns: {} } as const

describe.each(workerDatabases)('doctor --fix on $name', ({ name, missing, with: open }) => {
  const underWay = async () => {
    const fixture = await open([note])
    const { queue, processors } = fixture
    const tables = processors.map(({ queued }) => queued)
    await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
    await queue.enqueue(notes, [{ text: 'a' }, { text: 'b' }])
    const { run } = (await queue.claim(tables))!
    const other = fixture.secondQueue()
    const drop = (trigger: string, table: string) =>
      fixture.sql(`drop trigger ${trigger}${name === 'SQLite' ? '' : ` on ${table}`}`)
    const fix = () => checkOpenState({ queue: other } as unknown as Project, tables, true)
    return { ...fixture, tables, run, other, drop, fix }
  }

  it('gives the run of a living worker its claims back', unless(missing), async () => {
    const { queue, run, sql, drop, fix, other, tables } = await underWay()
    await drop('ops_open_no_delete', 'ops_open')
    await sql('delete from ops_open')
    const checks = await fix()
    expect(checks).toMatchObject([{ status: 'ok', found: expect.stringContaining('has not ended, but it has no row') }])
    expect(await other.claim(tables)).toBeUndefined()
    const { held, next } = await queue.settle(run, succeeded, tables)
    expect([held, next?.run.taskId]).toEqual([true, 2])
    expect(await sql('select status from notes where id = 1')).toEqual([{ status: 'succeeded' }])
  })

  it('leaves a task to the living worker that performs it', unless(missing), async () => {
    const { queue, run, sql, drop, fix, tables } = await underWay()
    for (const suffix of name === 'SQLite' ? ['transition', 'changed'] : ['changed'])
      await drop(`ops_notes_${suffix}`, 'notes')
    await sql(`update notes set status = 'pending' where id = 1`)
    expect(await fix()).toMatchObject([
      {
        status: 'problem',
        problem: { code: 'RUN_WITHOUT_TASK', suggestions: [expect.stringContaining('its worker corrects it')] },
      },
    ])
    expect((await queue.settle(run, succeeded, tables)).held).toBe(true)
    expect(await sql('select status from notes where id = 1')).toEqual([{ status: 'succeeded' }])
    expect(await fix()).toMatchObject([{ status: 'ok' }])
  })

  it('says what to do about a status that is unknown, and explains the others', unless(missing), async () => {
    const { sql, drop, fix } = await underWay()
    for (const suffix of ['begins_pending', 'inserted']) await drop(`ops_notes_${suffix}`, 'notes')
    await sql(`insert into notes (status) values ('done'), ('failed')`)
    const [repaired, unknown, ...more] = await fix()
    expect(repaired!.found).toContain('the audit does not explain the status of 2 tasks of notes')
    expect(unknown!.problem).toMatchObject({
      code: 'STATUS_UNKNOWN',
      message: 'notes 3 has the status "done", which is none of pending, ongoing, succeeded, failed, canceled',
      suggestions: [`set one of them: update "notes" set status = 'canceled' where id = 3`],
    })
    expect(more).toEqual([])
    await sql(unknown!.problem!.suggestions[0]!.replace(/^.*?: /, ''))
    expect(await fix()).toMatchObject([{ status: 'ok' }])
  })
})
