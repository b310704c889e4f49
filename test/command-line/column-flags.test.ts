import { describe, expect, it } from 'vitest'
import { columnFlags } from '../../src/command-line/column-flags.ts'
import { parseColumnFlags } from '../../src/command-line/parse-new-tasks.ts'
import { problemLine } from '../../src/errors.ts'
import { taskTable } from '../../src/task-table/described-table.ts'

const table = taskTable('samples', (column) => ({
  pieceCount: column.integer().notNull(),
  title: column.text().notNull(),
  json: column.text(),
  weightInGrams: column.real().result(),
}))
const flags = columnFlags(table, ['json', 'in'])
const read = (given: Record<string, unknown>, rest: string[] = [], isComplete = true) =>
  parseColumnFlags(table, flags, given, rest, isComplete)

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

  it('report every problem at once, each once', () => {
    expect(read({ 'piece-count': 'many' }, ['--titel', 'x', '-f', 'stray']).problems.map(problemLine)).toEqual([
      'unknown flag --titel, did you mean --title?',
      'unknown flag --f, expected one of: --piece-count, --title, --task-json',
      '--piece-count: expected a whole number, got "many"',
      '--title is missing',
    ])
    expect(read({ 'piece-count': '1', title: 'x' }, ['--titel=x', 'stray']).problems.map(problemLine)).toEqual([
      'unknown flag --titel, did you mean --title?',
      'unexpected argument "stray"',
    ])
    expect(read({ 'piece-count': '1', title: 'x' }, ['stray']).problems.map(problemLine)).toEqual([
      'unexpected argument "stray"',
    ])
  })

  it('are not those that the processor writes', () => {
    expect(read({ 'piece-count': '1', title: 'x' }, ['--weight-in-grams', '2']).problems.map(problemLine)).toEqual([
      '--weight-in-grams is set by the processor',
    ])
  })

  it('may be missing where a file brings the values', () => {
    expect(read({ title: 'x' }, [], false)).toEqual({ values: { title: 'x' }, problems: [] })
  })
})
