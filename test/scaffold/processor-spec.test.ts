import { describe, expect, it } from 'vitest'
import { type ProcessorArguments, parseColumns, parseProcessorSpec } from '../../src/scaffold/processor-spec.ts'

const nothing = { processors: new Map<string, string>(), tables: new Map<string, string>() }

/** The lines of the error. */
function problemsOf(given: Partial<ProcessorArguments>, taken = nothing): readonly string[] {
  try {
    parseProcessorSpec({ name: 'email', columns: [], ...given }, taken)
    return []
  } catch (error) {
    const [, problems] = (error as Error).message.split('Cannot generate this processor:')
    return problems!
      .trim()
      .split('\n')
      .map((line) => line.trim())
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
    ['recipient', 'Invalid column'],
    ['recipient:', 'Invalid column'],
    [':text', 'Invalid column name'],
    ['recipient:string', 'expected a type of text, integer, real, boolean, json, timestamp, enumeration, got "string"'],
    ['build:reference', 'references another table'],
    ['status:text', 'already has a column "status"'],
    ['createdAt:timestamp', 'already has a column "created_at"'],
    ['order:integer', 'SQL keyword'],
    ['size:enumeration', 'has no valid values'],
    ['size:enumeration:a,,b', 'has no valid values'],
    ["size:enumeration:a',b", 'has no valid values'],
    ['size:enumeration:a,a', 'a duplicate value'],
    ['size:text:a,b', 'only an enumeration'],
  ])('is not read from %s', (text, problem) => {
    const { columns, problems } = parseColumns([text])
    expect({ columns, problem: problems.join() }).toEqual({ columns: [], problem: expect.stringContaining(problem) })
  })

  it.each(['Sent', '2nd', '_x', '$x', 'a'.repeat(64)])('cannot be named "%s"', (name) => {
    expect(parseColumns([`${name}:text`]).problems).toEqual([expect.stringMatching(/^Invalid column (name )?"/)])
  })

  it('cannot be declared twice', () => {
    expect(parseColumns(['sentAt:text', 'sent_at:text']).problems).toEqual(['Duplicate column "sent_at".'])
  })
})

describe('a processor spec', () => {
  it('has a default table, column and priority', () => {
    expect(parseProcessorSpec({ name: 'email', columns: [] }, nothing)).toEqual({
      name: 'email',
      table: 'emails',
      columns: [{ key: 'subject', type: 'text', isRequired: true, values: [] }],
      priority: 100,
      exclusiveBy: undefined,
    })
  })

  it.each([
    ['email', 'emails'],
    ['send-mail', 'send_mails'],
    ['box', 'boxes'],
    ['press', 'presses'],
    ['reply', 'replies'],
    ['play', 'plays'],
    ['delete', 'deletes'],
  ])('named %s has the table %s by default', (name, table) => {
    expect(parseProcessorSpec({ name, columns: [] }, nothing)).toMatchObject({ name, table })
  })

  it.each(['Email', 'send_mail', '-mail', 'mail-', 'a--b', '3d', '', 'a b', '../x', 'é', 'a'.repeat(300)])(
    'cannot be named "%s"',
    (name) => expect(problemsOf({ name })).toEqual([expect.stringContaining('Invalid processor name')]),
  )

  it.each(['ops-plugin-email', '@acme/plugin-email', '@acme/ops-plugin-email'])(
    'cannot have the package name "%s"',
    (name) => expect(problemsOf({ name })[0]).toContain('"email", for the package ops-plugin-email'),
  )

  it.each(['Emails', 'order', 'ops_emails', 'pg_x', 'sqlite_x', 'a-b', '1a', '', 'a'.repeat(41)])(
    'cannot have the table "%s"',
    (table) => expect(problemsOf({ table })).toEqual([expect.stringContaining(`Invalid table name "${table}"`)]),
  )

  it('is refused with every problem at once', () => {
    const given = { name: 'Email', table: 'order', columns: ['status:text', 'x'], priority: 1.5 }
    expect(problemsOf(given)).toHaveLength(5)
  })

  it('cannot use the name or the table of another', () => {
    const taken = {
      processors: new Map([['email', 'ops-plugin-post']]),
      tables: new Map([['emails', 'the processor "post"']]),
    }
    expect(problemsOf({ table: 'emails' }, taken)).toEqual([
      'The processor "email" already exists, in ops-plugin-post.',
      'The table "emails" already exists; it belongs to the processor "post".',
    ])
  })

  it.each([
    ['to_whom', [], undefined],
    ['recipient', ['recipient:text'], undefined],
    ['sent_to', ['sentTo:text'], undefined],
    ['meta', ['meta:json'], 'cannot be a key'],
  ])('may be exclusive by a column of its own: %s', (exclusiveBy, columns, problem) => {
    const problems = problemsOf({ exclusiveBy, columns })
    if (columns.length === 0) expect(problems[0]).toContain('no column "toWhom"; the columns are: subject.')
    else if (problem) expect(problems[0]).toContain(problem)
    else expect(problems).toEqual([])
  })
})
