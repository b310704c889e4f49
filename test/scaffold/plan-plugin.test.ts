import { describe, expect, it } from 'vitest'
import { loadDrizzleKit } from '../../src/scaffold/drizzle-kit.ts'
import { migrationText } from '../../src/scaffold/plan-migration.ts'
import { planPlugin } from '../../src/scaffold/plan-plugin.ts'
import { parseColumns, tableOf } from '../../src/scaffold/processor-spec.ts'
import { dialects } from '../../src/task-table/create-table.ts'
import type { DescribedTaskTable } from '../../src/task-table/described-table.ts'

const everyType = [
  'a:text!',
  'b:text',
  'c:integer!',
  'd:real',
  'e:boolean!',
  'f:json',
  'sentAt:timestamp',
  'g:enumeration:small,large!',
]

function plan(columns: readonly string[], more: object = {}) {
  const spec = { name: 'send-mail', table: 'send_mails', priority: 100, exclusiveBy: undefined, ...more }
  const files = planPlugin({ ...spec, columns: parseColumns(columns).columns }, '^0.1.0')
  return Object.fromEntries(files.map(({ path, text }) => [path, text])) as Record<string, string>
}

describe('the files of a new plugin', () => {
  it('have their names, and no placeholder is left', () => {
    const files = plan(['recipient:text!'])
    expect(Object.keys(files).sort()).toEqual([
      '.gitignore',
      'README.md',
      'migrations/postgres/0000_send_mails.sql',
      'migrations/postgres/meta/0000_snapshot.json',
      'migrations/sqlite/0000_send_mails.sql',
      'migrations/sqlite/meta/0000_snapshot.json',
      'package.json',
      'src/send-mail.ts',
      'test/send-mail.test.ts',
      'tsconfig.build.json',
      'tsconfig.json',
    ])
    expect(Object.values(files).join('\n')).not.toMatch(/__\w+__/)
    expect(JSON.parse(files['package.json']!)).toMatchObject({
      name: 'ops-plugin-send-mail',
      ops: { api: 1, processors: { 'send-mail': './dist/send-mail.js' }, migrations: './migrations' },
      peerDependencies: { '@ops-cli/core': '^0.1.0', 'drizzle-orm': '^0.45.0' },
      peerDependenciesMeta: { '@ops-cli/core': { optional: true }, 'drizzle-orm': { optional: true } },
      devDependencies: { '@ops-cli/core': '^0.1.0' },
    })
  })

  it('declare exclusivity if asked', () => {
    expect(plan(['to_whom:text!'])['src/send-mail.ts']).not.toContain('exclusiveBy')
    const module = plan(['to_whom:text!'], { exclusiveBy: 'toWhom', priority: 5 })['src/send-mail.ts']
    expect(module).toContain(`  priority: 5,\n  exclusiveBy: 'toWhom',\n`)
  })

  it.each(dialects)('have the migration and the snapshot that drizzle-kit would generate, for %s', async (dialect) => {
    const files = plan(everyType)
    const kit = (await loadDrizzleKit(import.meta.dirname))[dialect]
    const table = tableOf('send_mails', parseColumns(everyType).columns) as DescribedTaskTable<
      'send_mails',
      Record<string, never>
    >
    const nothing = await kit.describe({})
    const described = await kit.describe({ table: table[dialect] }, nothing.id)
    const { id, prevId } = JSON.parse(files[`migrations/${dialect}/meta/0000_snapshot.json`]!)
    expect(JSON.parse(files[`migrations/${dialect}/meta/0000_snapshot.json`]!)).toEqual({ ...described, id, prevId })
    const statements = await kit.compare(nothing, described)
    expect(files[`migrations/${dialect}/0000_send_mails.sql`]).toBe(
      migrationText(statements.map((text) => text.trimEnd())),
    )
  })
})
