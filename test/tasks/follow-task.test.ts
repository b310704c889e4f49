import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Claim } from '../../src/queue/queue.ts'
import type { Outcome } from '../../src/task/outcome.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { followTask, type TaskSnapshot, type TaskView } from '../../src/tasks/follow-task.ts'
import { logFile } from '../../src/worker/task-log.ts'
import { queued } from '../support/queued.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const notes = queued(taskTable('notes', (column) => ({ text: column.text() })))

/** Writes down what it is shown. */
class Seen implements TaskView {
  readonly events: string[] = []

  changed({ status, attempt }: TaskSnapshot): void {
    const event = `${status} ${attempt}`
    if (!this.events.includes(event)) this.events.push(event)
  }

  output(text: string): void {
    this.events.push(`output ${text}`)
  }

  hint(text: string): void {
    this.events.push(`hint ${text}`)
  }
}

async function followed() {
  const { queue, raw, file } = await sqliteFixture([notes])
  const stateDirectory = temporaryFolder()
  await queue.enqueue(notes.table, [{ text: 'x' }])
  const log = (attempt: number) => {
    const file = logFile(stateDirectory, 'notes', 1, attempt)
    mkdirSync(dirname(file), { recursive: true })
    return file
  }
  const seen = new Seen()
  const follow = () => followTask({ queue, stateDirectory }, notes, 1, seen)
  const begin = async () => (await queue.claim([notes])) as Claim
  const settle = ({ run }: Claim, outcome: Outcome = { kind: 'succeeded', columns: {} }) => queue.settle(run, outcome)
  return { raw, file, log, seen, follow, begin, settle }
}

describe('following a task', () => {
  it('shows the last words of a task before its end', async () => {
    const { log, seen, follow, begin, settle } = await followed()
    const claim = await begin()
    writeFileSync(log(1), 'last words\n')
    await settle(claim)
    expect((await follow()).status).toBe('succeeded')
    expect(seen.events).toEqual(['output last words\n', 'succeeded 1'])
  })

  it('shows output as it comes, and no character in two halves', async () => {
    const { log, seen, follow, begin, settle } = await followed()
    const following = follow()
    const claim = await begin()
    const bytes = Buffer.from('für')
    writeFileSync(log(1), bytes.subarray(0, 2))
    await until(() => seen.events.includes('output f'), 'the first half is seen')
    appendFileSync(log(1), bytes.subarray(2))
    await until(() => seen.events.includes('output ür'), 'the second half is seen')
    await settle(claim)
    await following
    expect(seen.events).toEqual(['pending 0', 'ongoing 1', 'output f', 'output ür', 'succeeded 1'])
  })

  it('goes from the log of one attempt to that of the next', async () => {
    const { log, seen, follow, begin, settle } = await followed()
    const first = await begin()
    const following = follow()
    await until(() => seen.events.includes('ongoing 1'), 'the first attempt is seen')
    writeFileSync(log(1), 'one')
    await settle(first, { kind: 'failed', error: 'no such host', return: {} })
    const claim = await begin()
    writeFileSync(log(2), 'two')
    await until(() => seen.events.includes('output two'), 'the second attempt is seen')
    await settle(claim)
    await following
    expect(seen.events.filter((event) => event.startsWith('output'))).toEqual(['output one', 'output two'])
  })

  it('fails when the task is deleted', async () => {
    const { raw, seen, follow } = await followed()
    const following = follow()
    await until(() => seen.events.length > 0, 'the task is seen')
    raw.exec('delete from notes')
    await expect(following).rejects.toThrow('note 1 was deleted.')
  })
})

describe('following on a database file that is replaced', () => {
  const replacedBy = async (sql: string) => {
    const { file, seen, follow } = await followed()
    const following = follow()
    following.catch(() => {})
    await until(() => seen.events.includes('pending 0'), 'it follows')
    const other = await sqliteFixture([notes])
    other.raw.exec(sql)
    await other.queue.close()
    other.raw.pragma('journal_mode = delete')
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`)
    await until(
      () => seen.events.some((event) => event.includes('the file was removed. Waiting for it.')),
      'it says so',
    )
    renameSync(other.file, file)
    return { seen, following }
  }

  it('waits for the file, and follows the task in the new one', async () => {
    const { seen, following } = await replacedBy(
      `insert into notes (text) values ('y'); update notes set status = 'canceled'`,
    )
    expect((await following).status).toBe('canceled')
    expect(seen.events.at(-2)).toMatch(/^hint Another file has taken the place of .*; following the task there\.$/)
  })

  it('ends where the new one does not have the task', async () => {
    const { following } = await replacedBy('')
    await expect(following).rejects.toThrow(/^Another file has taken the place of .*, and it has no note 1\.$/)
  })
})
