import { describe, expect, it } from 'vitest'
import { columnFlags } from '../../src/command-line/column-flags.ts'
import { readTaskFlags } from '../../src/command-line/read-task-flags.ts'
import { taskTable } from '../../src/task-table/described-table.ts'

const table = taskTable('samples', (column) => ({
  pieceCount: column.integer().notNull(),
  title: column.text().notNull(),
  json: column.text(),
  weightInGrams: column.real().result(),
}))
const flags = columnFlags(table, ['json', 'in'])
const read = (given: Record<string, unknown>, rest: string[] = [], isComplete = true) =>
  readTaskFlags(table, flags, given, rest, isComplete)

describe('the flags of a task table', () => {
  it('are its own columns in kebab case, with a prefix where ops has a flag of that name', () => {
    expect(flags.map(({ flag, column }) => [flag, column.key])).toEqual([
      ['piece-count', 'pieceCount'],
      ['title', 'title'],
      ['task-json', 'json'],
    ])
  })

  it('give the values of a task by its columns', () => {
    expect(read({ 'piece-count': '3', title: 'x', 'task-json': 'y' })).toEqual({
      values: { pieceCount: 3, title: 'x', json: 'y' },
      problems: [],
    })
  })

  it('are told with everything that is wrong at once, each mistake once', () => {
    expect(read({ 'piece-count': 'many' }, ['--titel', 'x', '-f', 'stray']).problems).toEqual([
      '--titel is no column; did you mean --title?',
      '--f is no column; there are --piece-count, --title, --task-json',
      '--piece-count must be a whole number, not "many"',
      '--title is missing',
    ])
    expect(read({ 'piece-count': '1', title: 'x' }, ['--titel=x', 'stray']).problems).toEqual([
      '--titel is no column; did you mean --title?',
      '"stray" was not expected; values are given by flags',
    ])
    expect(read({ 'piece-count': '1', title: 'x' }, ['stray']).problems).toEqual([
      '"stray" was not expected; values are given by flags',
    ])
  })

  it('are not those that the processor writes', () => {
    expect(read({ 'piece-count': '1', title: 'x' }, ['--weight-in-grams', '2']).problems).toEqual([
      '--weight-in-grams is written by the processor and cannot be given',
    ])
  })

  it('may be missing where a file brings the values', () => {
    expect(read({ title: 'x' }, [], false)).toEqual({ values: { title: 'x' }, problems: [] })
  })
})
