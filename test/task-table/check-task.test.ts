import { describe, expect, it } from 'vitest'
import { checkTask } from '../../src/task-table/check-task.ts'
import { taskTable } from '../../src/task-table/described-table.ts'

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

const messages = (...args: Parameters<typeof checkTask>) => checkTask(...args).map(({ message }) => message)

describe('the check of a new task', () => {
  it('accepts valid values', () => {
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
    expect(messages(samples, values)).toEqual([])
    expect(messages(samples, {})).toEqual([])
    expect(messages(samples, Object.fromEntries(Object.keys(values).map((key) => [key, null])))).toEqual([])
    expect(messages(samples, { name: undefined })).toEqual([])
  })

  it.each([
    ['name', 7, 'expected a string, got 7'],
    ['count', 1.5, 'expected a whole number, got 1.5'],
    ['count', '1', 'expected a whole number, got "1"'],
    ['count', 2 ** 53, 'expected a whole number, got 9007199254740992'],
    ['share', '0.5', 'expected a number, got "0.5"'],
    ['share', Number.NaN, 'expected a number, got null'],
    ['isHot', 1, 'expected true or false, got 1'],
    ['at', '2030-01-01', 'expected a date and time, got "2030-01-01"'],
    ['at', new Date('never'), 'expected a date and time, got an invalid one'],
    [
      'at',
      new Date('+010000-01-01'),
      'expected a time between the years 1 and 9999, got "+010000-01-01T00:00:00.000Z"',
    ],
    ['level', 'middle', 'expected one of low, high, got "middle"'],
    ['buildId', '1', 'expected the id of a task in "builds", got "1"'],
  ])('refuses the wrong value of %s: %j', (key, value, message) => {
    expect(checkTask(samples, { [key]: value })).toEqual([{ where: key, message }])
  })

  it('refuses a missing value and a null in a required column', () => {
    expect(messages(builds, {})).toEqual(['"repository" is missing'])
    expect(messages(builds, { repository: undefined })).toEqual(['"repository" is missing'])
    expect(checkTask(builds, { repository: null })).toEqual([
      { where: 'repository', message: 'expected a value, got null' },
    ])
  })

  it('suggests the nearest column for an unknown one, or lists all columns', () => {
    expect(messages(samples, { nam: 'a' })).toEqual(['unknown column "nam"; did you mean "name"?'])
    expect(messages(samples, { colour: 'red' })).toEqual([
      'unknown column "colour"; the columns are name, count, share, isHot, result, at, level, buildId',
    ])
  })

  it.each(['id', 'status', 'createdAt', 'attempt'])('refuses %j, which is a lifecycle column', (key) => {
    expect(messages(builds, { repository: 'a', [key]: 1 })).toEqual([`"${key}" is set by ops`])
  })

  it('refuses a result column and does not require it', () => {
    const sums = taskTable('sums', (column) => ({
      terms: column.json().notNull(),
      total: column.integer().notNull().default(0).result(),
    }))
    expect(messages(sums, { terms: [1] })).toEqual([])
    expect(messages(sums, { terms: [1], total: 1 })).toEqual(['"total" is set by the processor'])
    expect(messages(sums, { terms: [1], totals: 1 })).toEqual(['unknown column "totals"; the columns are terms'])
  })

  it('reports every problem at once', () => {
    expect(messages(builds, { repositry: 'a', status: 'ongoing' })).toEqual([
      'unknown column "repositry"; did you mean "repository"?',
      '"status" is set by ops',
      '"repository" is missing',
    ])
  })
})
