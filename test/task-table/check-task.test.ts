import { describe, expect, it } from 'vitest'
import { checkTask } from '../../src/task-table/check-task.ts'
import { taskTable } from '../../src/task-table/task-table.ts'

const builds = taskTable('builds', (column) => ({ repository: column.text().notNull() }))

const samples = taskTable('samples', (column) => ({
  name: column.text(),
  count: column.integer(),
  share: column.real(),
  isHot: column.boolean(),
  result: column.json(),
  at: column.timestamp(),
  level: column.enumeration(['low', 'high']),
  buildId: column.reference(() => builds),
}))

describe('checking a task', () => {
  it('finds nothing in values that are right', () => {
    const values = {
      name: '',
      count: -1,
      share: 0.5,
      isHot: false,
      result: { any: ['thing'] },
      at: new Date(0),
      level: 'low',
      buildId: 1,
    }
    expect(checkTask(samples, values)).toEqual([])
    expect(checkTask(samples, {})).toEqual([])
    expect(checkTask(samples, Object.fromEntries(Object.keys(values).map((key) => [key, null])))).toEqual([])
    expect(checkTask(samples, { name: undefined })).toEqual([])
  })

  it.each([
    ['name', 7, '"name" must be a text, not 7'],
    ['count', 1.5, '"count" must be a whole number, not 1.5'],
    ['count', '1', '"count" must be a whole number, not "1"'],
    ['count', 2 ** 53, '"count" must be a whole number, not 9007199254740992'],
    ['share', '0.5', '"share" must be a number, not "0.5"'],
    ['share', Number.NaN, '"share" must be a number, not null'],
    ['isHot', 1, '"isHot" must be true or false, not 1'],
    ['at', '2030-01-01', '"at" must be an instant, not "2030-01-01"'],
    ['at', new Date('never'), '"at" must be an instant, not null'],
    ['level', 'middle', '"level" must be one of low, high, not "middle"'],
    ['buildId', '1', '"buildId" must be the id of a task of "builds", not "1"'],
  ])('words what is wrong with %s as %j', (key, value, problem) => {
    expect(checkTask(samples, { [key]: value })).toEqual([problem])
  })

  it('names a column that is missing, or null where it must be given', () => {
    expect(checkTask(builds, {})).toEqual(['"repository" is missing'])
    expect(checkTask(builds, { repository: undefined })).toEqual(['"repository" is missing'])
    expect(checkTask(builds, { repository: null })).toEqual(['"repository" must be given, not null'])
  })

  it('guesses what an unknown column was meant to be, or lists those there are', () => {
    expect(checkTask(samples, { nam: 'a' })).toEqual(['"nam" is no column of "samples"; did you mean "name"?'])
    expect(checkTask(samples, { colour: 'red' })).toEqual([
      '"colour" is no column of "samples", which has name, count, share, isHot, result, at, level, buildId',
    ])
  })

  it.each(['id', 'status', 'createdAt', 'attempt'])('refuses %j, which ops sets', (key) => {
    expect(checkTask(builds, { repository: 'a', [key]: 1 })).toEqual([`"${key}" is set by ops and cannot be given`])
  })

  it('refuses a column that the processor writes, and does not miss it', () => {
    const sums = taskTable('sums', (column) => ({
      terms: column.json().notNull(),
      total: column.integer().notNull().default(0).result(),
    }))
    expect(checkTask(sums, { terms: [1] })).toEqual([])
    expect(checkTask(sums, { terms: [1], total: 1 })).toEqual([
      '"total" is written by the processor and cannot be given',
    ])
    expect(checkTask(sums, { terms: [1], totals: 1 })).toEqual(['"totals" is no column of "sums", which has terms'])
  })

  it('tells every problem at once', () => {
    expect(checkTask(builds, { repositry: 'a', status: 'ongoing' })).toEqual([
      '"repositry" is no column of "builds"; did you mean "repository"?',
      '"status" is set by ops and cannot be given',
      '"repository" is missing',
    ])
  })
})
