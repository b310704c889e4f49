import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import {
  camelCase,
  columnProblem,
  constantOf,
  nameProblem,
  tableNameOf,
  tableProblem,
} from '../../src/scaffold/names.ts'
import { sqlWords } from '../../src/scaffold/sql-words.ts'
import { postgresFixture, postgresMissing } from '../support/postgres-fixture.ts'
import { unless } from '../support/unless.ts'

describe('the name of a processor', () => {
  it.each(['email', 'send-mail', 'a', 'mp3-to-ogg', 'delete'])('may be %s', (name) => {
    expect(nameProblem(name)).toBeUndefined()
  })

  it.each(['Email', 'send_mail', '-mail', 'mail-', 'a--b', '3d', '', 'a b', '../x', 'é', 'a'.repeat(300)])(
    'cannot be "%s"',
    (name) => expect(nameProblem(name)).toBeDefined(),
  )

  it.each(['ops-plugin-email', '@acme/plugin-email', '@acme/ops-plugin-email'])(
    'is not that of its package, %s',
    (name) => expect(nameProblem(name)).toContain('such as "email", and its package is ops-plugin-email'),
  )

  it.each([
    ['email', 'emails'],
    ['send-mail', 'send_mails'],
    ['box', 'boxes'],
    ['press', 'presses'],
    ['reply', 'replies'],
    ['play', 'plays'],
  ])('%s gives the table %s', (name, table) => expect(tableNameOf(name)).toBe(table))
})

describe('the name of a table', () => {
  it.each(['Emails', 'order', 'ops_emails', 'pg_x', 'sqlite_x', 'a-b', '1a', '', 'a'.repeat(41)])(
    'cannot be "%s"',
    (table) => expect(tableProblem(table)).toBeDefined(),
  )

  it.each([
    ['send_mails', 'sendMails'],
    ['emails', 'emails'],
    ['class', 'classTable'],
    ['task_table', 'taskTableTable'],
  ])('%s is held by the constant %s', (table, constant) => expect(constantOf(table)).toBe(constant))
})

describe('the name of a column', () => {
  it.each(['recipient', 'sentAt', 'size2'])('may be %s', (key) => expect(columnProblem(key)).toBeUndefined())
  it.each(['order', 'Sent', '2nd', 'a-b', '_x', '$x', 'a'.repeat(64)])('cannot be "%s"', (key) =>
    expect(columnProblem(key)).toBeDefined(),
  )
  it('is in camel case where it is given in snake case', () => expect(camelCase('sent_at')).toBe('sentAt'))
})

describe('the words of SQL', () => {
  it('are those that SQLite or PostgreSQL does not take for a name', unless(postgresMissing), async () => {
    const { rows } = await postgresFixture([])
    const keywords = await rows('select word, catcode from pg_get_keywords()')
    const candidates = [...new Set([...sqlWords, ...keywords.map(({ word }) => word as string)])]
    const reserved = new Set(keywords.filter(({ catcode }) => /[RT]/.test(String(catcode))).map(({ word }) => word))
    expect(candidates.filter((word) => reserved.has(word) || !isNameInSqlite(word)).sort()).toEqual(
      [...sqlWords].sort(),
    )
  })
})

function isNameInSqlite(word: string): boolean {
  const database = new Database(':memory:')
  try {
    database.exec(`create table ${word} (${word} text); insert into ${word} (${word}) values ('x')`)
    database.exec(`select ${word} from ${word} where ${word} = 'x'`)
    return true
  } catch {
    return false
  } finally {
    database.close()
  }
}
