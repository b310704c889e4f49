import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { postgresFixture, postgresMissing } from '../support/postgres-fixture.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { startProgram, startProgramWith } from '../support/start-program.ts'
import { unless } from '../support/unless.ts'
import { WorkerHere } from '../support/worker-here.ts'

const programs = join(import.meta.dirname, 'programs')
const notes = taskTable('notes', (column) => ({ text: column.text() }))

const databases = {
  async SQLite(queued: QueuedTable) {
    const { file, queue, rows } = await sqliteFixture([queued])
    return { url: `sqlite:${file}`, queue, rows: async (text: string) => rows(text) }
  },
  async PostgreSQL(queued: QueuedTable) {
    return postgresFixture([queued])
  },
}

const pythons = ['python3', '/usr/bin/python3']
const pythonWith = (modules: string) =>
  pythons.find((each) => spawnSync(each, ['-c', `import ${modules}`]).status === 0)

interface Writer {
  readonly library: string
  readonly database: keyof typeof databases
  /** Python with its modules; Node itself without. */
  readonly modules?: string
}

const writers: readonly Writer[] = [
  { library: 'node:sqlite', database: 'SQLite' },
  { library: 'better-sqlite3', database: 'SQLite' },
  { library: 'sqlite3', database: 'SQLite', modules: 'sqlite3' },
  { library: 'sqlalchemy', database: 'SQLite', modules: 'sqlalchemy, alembic' },
  { library: 'django', database: 'SQLite', modules: 'django' },
  { library: 'pg', database: 'PostgreSQL' },
  { library: 'psycopg2', database: 'PostgreSQL', modules: 'psycopg2' },
  { library: 'sqlalchemy', database: 'PostgreSQL', modules: 'psycopg2, sqlalchemy, alembic' },
  { library: 'django', database: 'PostgreSQL', modules: 'psycopg2, django' },
]

const refused = /only its worker changes its status|cannot be replaced|cannot be deleted/

describe.each(writers)('$library on $database', ({ library, database, modules }) => {
  const python = modules === undefined ? undefined : pythonWith(modules)
  const missing =
    (database === 'PostgreSQL' ? postgresMissing : undefined) ??
    (modules !== undefined && python === undefined ? `no Python has ${modules}` : undefined)

  it('is refused stale rows, and migrates the table under a living worker', unless(missing), async () => {
    const begun = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const performed: unknown[] = []
    const note = defineProcessor({
      ...{ name: 'note', summary: 'Write a note', table: notes, priority: 100 },
      async perform({ id }) {
        performed.push(id)
        begun.resolve()
        await gate.promise
      },
    })
    const queued = toQueuedTable(note, {})
    const { url, queue, rows } = await databases[database](queued)
    await queue.enqueue(notes, [{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    const program = python
      ? startProgramWith(python, join(programs, 'writers.py'), library, url)
      : startProgram(join(programs, 'writers.ts'), library, url)
    const say = async (command: string) => {
      program.say(command)
      return program.line()
    }
    expect(await program.line()).toBe('ready')
    expect(await say('read')).toBe('ok')
    const worker = new WorkerHere({ queue, processors: [{ processor: note, settings: {}, queued }] })
    const working = worker.work({ drain: true })
    await begun.promise
    for (const command of ['save', 'replace', 'bulk_status']) expect(await say(command), command).toMatch(refused)
    expect(await say('bulk')).toBe('ok')
    expect(await say('migrate')).toBe('ok')
    gate.resolve()
    expect(await working).toMatchObject({ succeeded: 3 })
    expect(performed).toEqual([1, 2, 3])
    expect(await rows('select status, text from notes order by id')).toEqual(
      Array(3).fill({ status: 'succeeded', text: 'bulk' }),
    )
    expect(await rows(`select event from ops_audit where task_id = 1 order by id`)).toEqual(
      ['enqueued', 'started', 'succeeded'].map((event) => ({ event })),
    )
    expect(await queue.invariants.find(['notes'], { history: true })).toEqual([])
    await queue.migrate([], [queued])
    expect(await say('save')).toMatch(/cannot go from "succeeded"/)
  })
})
