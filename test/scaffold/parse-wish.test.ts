import { describe, expect, it } from 'vitest'
import { parseColumns } from '../../src/scaffold/column-wish.ts'
import { parseWish, type TypedWish } from '../../src/scaffold/parse-wish.ts'
import type { ProcessorRefusedError } from '../../src/scaffold/scaffold-errors.ts'

const nobody = { processors: new Map<string, string>(), tables: new Map<string, string>() }

function problemsOf(typed: Partial<TypedWish>, neighbours = nobody): readonly string[] {
  try {
    parseWish({ name: 'email', columns: [], ...typed }, neighbours)
    return []
  } catch (error) {
    return (error as ProcessorRefusedError).problems
  }
}

describe('a column', () => {
  it.each([
    ['recipient:text!', { key: 'recipient', type: 'text', isRequired: true, values: [] }],
    ['sent_at:timestamp', { key: 'sentAt', type: 'timestamp', isRequired: false, values: [] }],
    ['sentAt:timestamp?', { key: 'sentAt', type: 'timestamp', isRequired: false, values: [] }],
    [
      'size:enumeration:small,x-large!',
      { key: 'size', type: 'enumeration', isRequired: true, values: ['small', 'x-large'] },
    ],
  ])('is read from %s', (text, column) => {
    expect(parseColumns([text])).toEqual({ columns: [column], problems: [] })
  })

  it.each([
    ['recipient', 'is no column'],
    ['recipient:', 'is no column'],
    [':text', 'cannot be the name'],
    ['recipient:string', 'one of text, integer, real, boolean, json, timestamp, enumeration is expected'],
    ['build:reference', 'references another table'],
    ['status:text', 'has the column "status" already'],
    ['createdAt:timestamp', 'has the column "created_at" already'],
    ['order:integer', 'word of SQL'],
    ['size:enumeration', 'has no values'],
    ['size:enumeration:a,,b', 'has no values'],
    ["size:enumeration:a',b", 'has no values'],
    ['size:enumeration:a,a', 'a value twice'],
    ['size:text:a,b', 'only an enumeration'],
  ])('is not read from %s', (text, problem) => {
    const { columns, problems } = parseColumns([text])
    expect({ columns, problem: problems.join() }).toEqual({ columns: [], problem: expect.stringContaining(problem) })
  })

  it('is there once', () => {
    expect(parseColumns(['sentAt:text', 'sent_at:text']).problems).toEqual(['The column "sent_at" is there twice.'])
  })
})

describe('a wish for a processor', () => {
  it('has a table, a column and a priority where nothing is said of them', () => {
    expect(parseWish({ name: 'email', columns: [] }, nobody)).toEqual({
      name: 'email',
      table: 'emails',
      columns: [{ key: 'subject', type: 'text', isRequired: true, values: [] }],
      priority: 100,
      exclusiveBy: undefined,
    })
  })

  it('is refused with everything that is wrong in it', () => {
    const typed = { name: 'Email', table: 'order', columns: ['status:text', 'x'], priority: 1.5 }
    expect(problemsOf(typed)).toHaveLength(5)
  })

  it('does not take the name or the table of another', () => {
    const neighbours = {
      processors: new Map([['email', 'ops-plugin-post']]),
      tables: new Map([['emails', 'the processor "post"']]),
    }
    expect(problemsOf({ table: 'emails' }, neighbours)).toEqual([
      'The processor "email" is there already: ops-plugin-post brings it.',
      'The table "emails" is there already: it is that of the processor "post".',
    ])
  })

  it.each([
    ['to_whom', [], undefined],
    ['recipient', ['recipient:text'], undefined],
    ['sent_to', ['sentTo:text'], undefined],
    ['meta', ['meta:json'], 'make no key'],
  ])('may be exclusive by a column of its own: %s', (exclusiveBy, columns, problem) => {
    const problems = problemsOf({ exclusiveBy, columns })
    if (columns.length === 0) expect(problems[0]).toContain('which is no column; there are: subject.')
    else if (problem) expect(problems[0]).toContain(problem)
    else expect(problems).toEqual([])
  })
})
