import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { linkModules } from '../support/link-modules.ts'
import { npmProgram } from '../support/plugin-package.ts'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { terminalMissing } from '../support/terminal.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

const root = dirname(dirname(import.meta.dirname))

/** What `npm install` does in the plugin, without the registry. */
function installInto(plugin: string): void {
  linkModules(plugin, ['@types/node', 'typescript', 'drizzle-kit', '.bin/tsc'])
  mkdirSync(join(plugin, 'node_modules', '@ops-cli'))
  symlinkSync(root, join(plugin, 'node_modules', '@ops-cli', 'core'))
}

async function npmIn(cwd: string, ...args: string[]) {
  const env = { npm_config_update_notifier: 'false', npm_config_logs_max: '0' }
  return execa(process.execPath, [npmProgram, ...args], { cwd, env, reject: false })
}

describe('ops generate processor', () => {
  it('reports a folder that it cannot write to', async () => {
    const project = TestProject.withConfig()
    project.write('taken', '')
    const { exitCode, stderr } = await project.ops('generate', 'processor', 'email', '--dir', 'taken')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('Cannot write the plugin to')
  })

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

  it('creates a plugin that can be tested, linked, changed, packed and installed', async () => {
    const project = TestProject.withConfig()
    const columns = [
      'recipient:text!',
      'size:enumeration:small,large!',
      'sentAt:timestamp',
      'meta:json',
      'urgent:boolean',
    ]
    const asked = ['--column', ...columns, '--exclusive-by', 'recipient', '--priority', '30']
    const generated = await project.ops('generate', 'processor', 'send-mail', ...asked, '--dir', 'plugins')
    expect(generated).toMatchObject({ exitCode: 0, stderr: '' })
    expect(generated.stdout.split('\n').slice(-4)).toEqual([
      'Next: (cd plugins/ops-plugin-send-mail && npm install && npm test)',
      '      ops plugins link plugins/ops-plugin-send-mail --migrate',
      '      ops enqueue send-mail --recipient example --size small',
      '      ops worker --drain',
    ])
    const plugin = project.path('plugins/ops-plugin-send-mail')
    installInto(plugin)
    expect(await npmIn(plugin, 'test')).toMatchObject({ exitCode: 0 })

    const linked = await project.ops('plugins:link', 'plugins/ops-plugin-send-mail', '--migrate')
    expect(linked).toMatchObject({ exitCode: 0, stderr: '' })
    expect(linked.stdout).toContain(
      'processor send-mail, table send_mails, priority 30, one for each recipient at once',
    )
    await project.ops('enqueue', 'send-mail', '--recipient', 'ada', '--size', 'large', '--urgent')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, error, recipient, size, urgent from send_mails')).toEqual([
      { status: 'succeeded', error: null, recipient: 'ada', size: 'large', urgent: 1 },
    ])

    const nothing = await project.opsWith({ cwd: plugin }, 'generate', 'migration')
    expect(nothing.stdout).toBe('No changes in the tables of ops-plugin-send-mail since its last migration.')
    const module = project.read('plugins/ops-plugin-send-mail/src/send-mail.ts')
    const changed = module.replace(
      'urgent: column.boolean(),',
      'urgent: column.boolean(),\n  copies: column.integer(),',
    )
    project.write('plugins/ops-plugin-send-mail/src/send-mail.ts', changed)
    expect((await npmIn(plugin, 'test')).stdout).toContain('The migrations create "send_mails" without copies')
    expect(await project.opsWith({ cwd: plugin }, 'generate', 'migration', 'add_copies')).toMatchObject({ exitCode: 0 })
    expect(await npmIn(plugin, 'test')).toMatchObject({ exitCode: 0 })

    const packed = await npmIn(plugin, 'pack')
    expect(packed).toMatchObject({ exitCode: 0 })
    const other = TestProject.withConfig()
    const tarball = join(plugin, 'ops-plugin-send-mail-0.1.0.tgz')
    expect(await other.ops('plugins:install', tarball, '--migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    await other.ops('enqueue', 'send-mail', '--recipient', 'ada', '--size', 'large', '--copies', '2')
    await other.ops('worker', '--drain')
    expect(other.rows('select status, error, copies from send_mails')).toEqual([
      { status: 'succeeded', error: null, copies: 2 },
    ])
    const installed = other.path('.ops/plugins/node_modules/ops-plugin-send-mail')
    expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'migrations', 'package.json'])
    expect(readdirSync(join(installed, 'migrations/sqlite'))).toEqual(['0000_send_mails.sql', '0001_add_copies.sql'])
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

  it('does not ask with --yes', async () => {
    const project = TestProject.withConfig()
    expect(await project.startAtTerminal(undefined, 'generate', 'processor', 'email', '--yes').exit).toBe(0)
    expect(readdirSync(project.directory).sort()).toEqual(['ops-plugin-email', 'ops.config.json'])
  })
})
