import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { terminalMissing } from '../support/terminal.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

const root = dirname(dirname(import.meta.dirname))

describe('ops generate processor', () => {
  it('uses defaults, and returns with --json what it wrote', async () => {
    const project = TestProject.withConfig()
    const { stdout, exitCode } = await project.ops('generate:processor', 'email', '--json')
    expect(exitCode).toBe(0)
    const generated = JSON.parse(stdout)
    expect(generated).toMatchObject({
      name: 'email',
      package: 'ops-plugin-email',
      table: 'emails',
      directory: project.path('ops-plugin-email'),
      core: `file:${root}`,
    })
    expect(generated.files).toContain('src/email.ts')
    expect(project.read('ops-plugin-email/src/email.ts')).toContain('  subject: column.text().notNull(),\n')
  })

  it('overwrites existing files only with --force, even of a linked plugin', async () => {
    const project = TestProject.withConfig()
    await project.ops('generate', 'processor', 'email')
    await project.ops('plugins:link', 'ops-plugin-email', '--migrate')
    project.write('ops-plugin-email/src/email.ts', 'mine')
    const refused = await project.ops('generate', 'processor', 'email', '--column', 'a:text')
    expect(refused.exitCode).toBe(2)
    expect(unwrapped(refused.stderr)).toContain(
      'ops-plugin-email is not empty (.gitignore, README.md, migrations and more)',
    )
    expect(project.read('ops-plugin-email/src/email.ts')).toBe('mine')
    project.write('ops-plugin-email/notes.txt', 'kept')
    const forced = await project.ops('generate', 'processor', 'email', '--column', 'a:text', '--force')
    expect(forced.exitCode).toBe(0)
    expect(project.read('ops-plugin-email/src/email.ts')).toContain('a: column.text(),')
    expect(project.read('ops-plugin-email/notes.txt')).toBe('kept')
  })

  it.each([
    ['a missing name', [], 'Missing the name'],
    ['an invalid name', ['Send_Mail'], 'Invalid processor name "Send_Mail"'],
    ['two names', ['email', 'other'], 'Unexpected argument "other"'],
    ['an existing processor', ['build', '--table', 'x'], 'The processor "build" already exists'],
    ['an existing table', ['email', '--table', 'builds'], 'belongs to the plugin @ops-cli/plugin-build'],
    ['an SQL keyword as a table', ['email', '--table', 'order'], 'an SQL keyword'],
    ['an SQL keyword as a column', ['email', 'order:text'], 'an SQL keyword'],
    ['a lifecycle column', ['email', '--column', 'error:text'], 'already has a column "error"'],
    ['an unknown type', ['email', '--column', 'x:string'], 'expected a type of'],
    ['an unknown column to be exclusive by', ['email', '--exclusive-by', 'x'], 'no column "x"'],
    ['an invalid priority', ['email', '--priority', 'high'], 'expected a whole number'],
  ])('refuses %s, exits 2 and writes nothing', async (_, args, problem) => {
    const project = TestProject.withConfig()
    const { exitCode, stderr } = await project.ops('generate', 'processor', ...args)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(problem)
    expect(readdirSync(project.directory)).toEqual(['ops.config.json'])
  })

  it('refuses a table of the application', async () => {
    const project = TestProject.withConfig()
    await project.ops('migrate')
    project.database.exec('create table emails (id integer primary key)')
    const { exitCode, stderr } = await project.ops('generate', 'processor', 'email')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('The table "emails" already exists')
    expect((await project.ops('generate', 'processor', 'email', '--table', 'mails')).exitCode).toBe(0)
  })

  it('creates the table on PostgreSQL, too', unless(postgresMissing), async () => {
    const project = TestProject.withConfig()
    project.env.OPS_DATABASE_URL = await postgresUrl()
    await project.ops('generate', 'processor', 'email', 'recipient:text!', 'meta:json', 'urgent:boolean!')
    expect(await project.ops('plugins:link', 'ops-plugin-email', '--migrate')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    expect(await project.ops('migrate', '--check')).toMatchObject({ exitCode: 0 })
    await project.ops('enqueue', 'email', '--recipient', 'ada', '--urgent', '--meta', '{"a":1}')
    await project.ops('worker', '--drain')
    expect((await project.ops('tasks', 'show', 'email', '1')).stdout).toMatch(/^email 1 succeeded/)
  })

  it('reports a folder that it cannot write to', async () => {
    const project = TestProject.withConfig()
    project.write('taken', '')
    const { exitCode, stderr } = await project.ops('generate', 'processor', 'email', '--dir', 'taken')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('Cannot write the plugin to')
  })
})

describe('ops generate processor at a terminal', unless(terminalMissing), () => {
  it('asks for what is missing, and again after an invalid answer', async () => {
    const project = TestProject.withConfig()
    const terminal = project.startAtTerminal(undefined, 'generate', 'processor', '--priority', '7')
    await terminal.answer('Name of the processor', 'Email')
    await terminal.answer('Invalid processor name', '\u0015email')
    await terminal.answer('Columns, as name:type', 'recipient:text! meta:json')
    await terminal.answer('Task table', '')
    await terminal.answer('Run one task at a time for each value of a column?', '\u001b[B')
    await terminal.answer('Create ops-plugin-email', '')
    expect(await terminal.exit).toBe(0)
    const module = project.read('ops-plugin-email/src/email.ts')
    expect(module).toContain('  recipient: column.text().notNull(),\n  meta: column.json(),\n')
    expect(module).toContain(`  priority: 7,\n  exclusiveBy: 'recipient',\n`)
  })

  it('reports problems before the first question', async () => {
    const project = TestProject.withConfig()
    project.write('ops-plugin-email/mine', '')
    for (const [args, problem] of [
      [['email'], 'is not empty'],
      [['build'], 'already exists'],
      [['other', 'status:text'], 'already'],
    ] as const) {
      const terminal = project.startAtTerminal(undefined, 'generate', 'processor', ...args)
      expect(await terminal.exit).toBe(2)
      expect(unwrapped(terminal.output)).toContain(problem)
    }
  })

  it('writes nothing if the answer is no, or after Ctrl-C', async () => {
    const project = TestProject.withConfig()
    const asked = ['generate', 'processor', 'email', '--column', 'a:json', '--table', 'mails', '--priority', '7']
    const refused = project.startAtTerminal(undefined, ...asked)
    await refused.answer('Create ops-plugin-email', 'n')
    expect(await refused.exit).toBe(1)
    const broken = project.startAtTerminal(undefined, ...asked)
    await broken.says('Create ops-plugin-email')
    broken.pressCtrlC()
    expect(await broken.exit).toBe(1)
    expect(broken.output).toContain('Nothing was written.')
    expect(readdirSync(project.directory)).toEqual(['ops.config.json'])
  })

  it('does not ask with --yes', async () => {
    const project = TestProject.withConfig()
    expect(await project.startAtTerminal(undefined, 'generate', 'processor', 'email', '--yes').exit).toBe(0)
    expect(readdirSync(project.directory).sort()).toEqual(['ops-plugin-email', 'ops.config.json'])
  })
})
