import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { linkModules } from '../support/link-modules.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const root = join(import.meta.dirname, '..', '..')

const noteModule = (columns: string, table = 'notes') => `import { defineProcessor, taskTable } from '@ops-cli/core'

export const notes = taskTable('${table}', (column) => ({ ${columns} }))

export default defineProcessor({ name: 'note', table: notes, perform: () => undefined })
`

/** A plugin without a build, in its own project, with its columns. */
function notePlugin(columns: string, ops: object = { migrations: './migrations' }) {
  const project = TestProject.withConfig()
  const manifest = { name: 'ops-plugin-note', version: '1.0.0', type: 'module', oclif: {} }
  const declared = { api: 1, processors: { note: './dist/note.js' }, ...ops }
  project.write('note/package.json', JSON.stringify({ ...manifest, ops: declared }))
  const change = (to: string) => project.write('note/src/note.ts', noteModule(to))
  change(columns)
  const generate = async (...args: string[]) =>
    project.opsWith({ cwd: project.path('note') }, 'generate', 'migration', ...args)
  return { project, change, generate }
}

describe('ops generate migration', () => {
  it('creates the first migration of a plugin, then one with the changes, for both databases', async () => {
    const { project, change, generate } = notePlugin('text: column.text().notNull()')
    const first = await generate()
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout.split('\n')).toEqual([
      'created migrations/sqlite/0000_notes.sql',
      'created migrations/postgres/0000_notes.sql',
      'Next: review them, then ops migrate',
    ])
    expect((await project.ops('plugins:link', 'note', '--migrate')).exitCode).toBe(0)
    await project.ops('enqueue', 'note', '--text', 'old')

    change('text: column.text(), size: column.integer().notNull().default(3)')
    expect(await generate('add_size')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(project.read('note/migrations/postgres/0001_add_size.sql').split('\n')).toEqual([
      'ALTER TABLE "notes" ALTER COLUMN "text" DROP NOT NULL;',
      '--> statement-breakpoint',
      'ALTER TABLE "notes" ADD COLUMN "size" bigint DEFAULT 3 NOT NULL;',
    ])
    expect(project.read('note/migrations/sqlite/0001_add_size.sql')).toContain('size')
    expect(await project.ops('migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(project.rows('select text, size from notes')).toEqual([{ text: 'old', size: 3 }])
  })

  it('reports that nothing has changed, and writes nothing', async () => {
    const { project, generate } = notePlugin('text: column.text()')
    await generate('--json')
    const before = readdirSync(project.path('note'), { recursive: true })
    const again = await generate()
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: 'No changes in the tables of ops-plugin-note since its last migration.',
    })
    const { migrations } = JSON.parse((await generate('--json')).stdout)
    expect(migrations).toEqual([
      { database: 'sqlite', statements: [], file: null },
      { database: 'postgres', statements: [], file: null },
    ])
    expect(readdirSync(project.path('note'), { recursive: true })).toEqual(before)
  })

  it('warns about a required column without a default, and about migrations that package.json does not name', async () => {
    const { change, generate } = notePlugin('text: column.text()', {})
    expect(unwrapped((await generate()).stderr)).toContain('Add "migrations": "./migrations" under "ops"')
    change('text: column.text(), size: column.integer().notNull()')
    expect(unwrapped((await generate()).stderr)).toContain('"notes.size" is not null and has no default')
  })

  it('does not guess whether a column was renamed without a terminal', async () => {
    const { project, change, generate } = notePlugin('text: column.text()')
    await generate()
    change('words: column.text()')
    const { exitCode, stderr } = await generate()
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('drizzle-kit asks whether they were renamed')
    expect(readdirSync(project.path('note/migrations/sqlite'))).toEqual(['0000_notes.sql', 'meta'])
  })

  it('refuses to continue without the last snapshot', async () => {
    const { project, generate } = notePlugin('text: column.text()')
    await generate()
    rmSync(project.path('note/migrations/postgres/meta'), { recursive: true })
    const { exitCode, stderr } = await generate()
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('has the migration 0000_notes.sql but no meta/*_snapshot.json')
  })

  it.each([
    ['a folder without a plugin', [], 'is not a plugin folder'],
    ['an invalid name', ['Add-Labels'], 'Invalid migration name "Add-Labels"'],
  ])('refuses %s with exit code 2', async (_, args, problem) => {
    const { exitCode, stderr } = await TestProject.withConfig().ops('generate', 'migration', ...args)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(problem)
  })

  it.each(['build', 'deploy', 'exec', 'transfer'])('finds no changes in the bundled plugin %s', async (plugin) => {
    const folder = join(root, 'plugins', plugin)
    const { stdout, exitCode } = await new TestProject().opsWith({ cwd: folder }, 'generate:migration', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout).migrations.map(({ file }: { file: unknown }) => file)).toEqual([null, null])
  })
})

describe('ops generate migration without drizzle-kit', () => {
  it('says what to install', async () => {
    const { project } = notePlugin('text: column.text()')
    // A copy of ops without what it is developed with.
    const copy = project.path('ops')
    for (const name of ['bin', 'src', 'plugins', 'package.json'])
      cpSync(join(root, name), join(copy, name), {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist)(\/|$)/.test(path.slice(root.length)),
      })
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    linkModules(copy, Object.keys(dependencies))
    const ops = new TestProject(join(copy, 'bin', 'run.js'))
    writeFileSync(ops.path('ops.config.json'), '{}')
    const { exitCode, stderr } = await ops.opsWith({ cwd: project.path('note') }, 'generate', 'migration')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain(`npm install --save-dev drizzle-kit@${devDependencies['drizzle-kit']}`)
  })
})
