import { describe, expect, it } from 'vitest'
import { parseColumnValue } from '../../src/command-line/column-flags.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import type { ColumnType, TaskColumn } from '../../src/task-table/task-table.ts'

const builds = taskTable('builds', () => ({}))
const column = (type: ColumnType): TaskColumn =>
  ({ type, values: ['small', 'large'], target: () => builds }) as unknown as TaskColumn

describe('the text of a flag', () => {
  it.each<[ColumnType, string, unknown]>([
    ['text', '', ''],
    ['text', '007', '007'],
    ['integer', '-4', -4],
    ['integer', '+4', 4],
    ['real', '-2.5e3', -2500],
    ['boolean', 'false', false],
    ['json', '{"a":[1]}', { a: [1] }],
    ['timestamp', '2030-01-31T12:00:00Z', new Date('2030-01-31T12:00:00Z')],
    ['timestamp', '2000-02-29', new Date('2000-02-29')],
    ['timestamp', '2028-02-29 12:00:00.5+02:00', new Date('2028-02-29T10:00:00.5Z')],
    ['enumeration', 'large', 'large'],
    ['reference', '42', 42],
  ])('for a column of the type %s is read: %j', (type, text, value) => {
    expect(parseColumnValue(column(type), text)).toEqual({ value })
  })

  it.each<[ColumnType, string, string]>([
    ['integer', '4.5', 'expected a whole number, got "4.5"'],
    ['integer', '', 'expected a whole number, got ""'],
    ['integer', '9007199254740993', 'expected a whole number, got "9007199254740993"'],
    ['real', ' ', 'expected a number, got " "'],
    ['real', 'Infinity', 'expected a number, got "Infinity"'],
    ['boolean', 'yes', 'expected true or false, got "yes"'],
    ['json', 'x', 'expected JSON, got "x"'],
    ...[
      '2026-02-30',
      '2100-02-29T12:00:00Z',
      '2026-04-31 12:00',
      '2026-13-01',
      'Feb 30 2026',
      '5',
      '2026-01-01T25:00',
    ].map(
      (text) =>
        ['timestamp', text, `expected a time such as 2030-01-31T12:00:00Z, got "${text}"`] as [
          ColumnType,
          string,
          string,
        ],
    ),
    ['timestamp', 'soon', 'expected a time such as 2030-01-31T12:00:00Z, got "soon"'],
    ['enumeration', 'medium', 'expected one of small, large, got "medium"'],
    ['reference', '-1', 'expected the id of a task in "builds", got "-1"'],
  ])('for a column of the type %s is refused: %j', (type, text, problem) => {
    expect(parseColumnValue(column(type), text)).toEqual({ problem })
  })

  it('is kept where the flag is a boolean', () => {
    expect(parseColumnValue(column('boolean'), true)).toEqual({ value: true })
  })
})
