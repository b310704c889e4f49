import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { constantOf, SQL_KEYWORDS } from '../../src/scaffold/names.ts'
import { postgresFixture, postgresMissing } from '../support/postgres-fixture.ts'
import { unless } from '../support/unless.ts'

describe('the constant for a table', () => {
  it.each([
    ['send_mails', 'sendMails'],
    ['emails', 'emails'],
    ['class', 'classTable'],
    ['task_table', 'taskTableTable'],
  ])('%s is named %s, which collides with nothing in the module', (table, constant) =>
    expect(constantOf(table)).toBe(constant),
  )
})

describe('the SQL keywords', () => {
  it('are the words that SQLite or PostgreSQL does not accept as a name', unless(postgresMissing), async () => {
    const { rows } = await postgresFixture([])
    const keywords = await rows('select word, catcode from pg_get_keywords()')
    const candidates = [...new Set([...SQL_KEYWORDS, ...keywords.map(({ word }) => word as string)])]
    const reserved = new Set(keywords.filter(({ catcode }) => /[RT]/.test(String(catcode))).map(({ word }) => word))
    expect(candidates.filter((word) => reserved.has(word) || !isNameInSqlite(word)).sort()).toEqual(
      [...SQL_KEYWORDS].sort(),
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
