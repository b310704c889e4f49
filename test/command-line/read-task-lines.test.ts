import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readTaskLines } from '../../src/command-line/read-task-lines.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const table = taskTable('samples', (column) => ({
  pieceCount: column.integer().notNull(),
  takenAt: column.timestamp(),
}))

function read(text: string, defaults: Record<string, unknown> = {}): Promise<Record<string, unknown>[]> {
  const file = join(temporaryFolder(), 'tasks.ndjson')
  writeFileSync(file, text)
  return readTaskLines(file, 'sample', table, defaults)
}

describe('the lines of a file of tasks', () => {
  it('name columns as in TypeScript or as in the database, over the defaults', async () => {
    expect(await read('{"pieceCount":1}\n{"piece_count":2}\n{}\n', { pieceCount: 3 })).toEqual([
      { pieceCount: 1 },
      { pieceCount: 2 },
      { pieceCount: 3 },
    ])
  })

  it('hold instants as texts', async () => {
    expect(await read('{"pieceCount":1,"takenAt":"2030-01-01T00:00:00Z"}')).toEqual([
      { pieceCount: 1, takenAt: new Date('2030-01-01T00:00:00Z') },
    ])
    await expect(read('{"pieceCount":1,"takenAt":"soon"}')).rejects.toThrow('line 1: takenAt: expected a time')
  })

  it('are counted with the empty ones, and ten invalid ones are reported', async () => {
    const error = await read(`{"pieceCount":1}\n\n${'{"pieceCount":"x"}\n'.repeat(13)}`).catch((error) => error)
    expect(error).toMatchObject({ code: 'INVALID_TASK', oclif: { exit: 2 } })
    expect(error.problems).toHaveLength(11)
    expect(error.problems[0]).toMatchObject({
      where: 'line 3',
      message: 'pieceCount: expected a whole number, got "x"',
    })
    expect(error.problems[10].message).toBe('and 3 more lines')
  })
})
