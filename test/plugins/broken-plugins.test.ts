import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { suggestionLine } from '../../src/errors.ts'
import { formatCommand } from '../../src/format.ts'
import { countingModule, type PackageOptions, pluginPackage } from '../support/plugin-package.ts'
import type { WorkerEvent } from '../support/running-ops.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

interface Breakage {
  readonly how: string
  readonly isLetterInstalled?: boolean
  /** The package of the plugin `mail`. */
  readonly plugin: PackageOptions
  /** One sentence, with the folder of the plugin as `<root>`. */
  readonly says: string
  /** With its module as `<module>`. */
  readonly suggests: string
}

const ops = { api: 1, processors: { mail: './dist/mail.js' }, migrations: './migrations' }
const cannotBeLoaded = 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be loaded:'
const remove = 'remove the plugin: ops plugins uninstall ops-plugin-mail'

const breakages: Breakage[] = [
  {
    how: 'has no such file',
    plugin: { manifest: { ops: { ...ops, processors: { mail: './dist/gone.js' } } } },
    says: `${cannotBeLoaded} <root>/dist/gone.js does not exist.`,
    suggests: 'build the plugin, or fix "ops.processors" in its package.json',
  },
  {
    how: 'throws on import',
    plugin: { module: `\nthrow new Error('no SMTP_HOST')` },
    says: `${cannotBeLoaded} <root>/dist/mail.js:2 fails to import: no SMTP_HOST.`,
    suggests: remove,
  },
  {
    how: 'throws in a module that it imports',
    plugin: { module: `import './host.js'`, files: { 'dist/host.js': `throw new Error('no SMTP_HOST')` } },
    says: `${cannotBeLoaded} <root>/dist/mail.js fails to import: no SMTP_HOST (<root>/dist/host.js:1).`,
    suggests: remove,
  },
  {
    how: 'has a syntax error',
    plugin: { module: 'export default {,}' },
    says: `${cannotBeLoaded} <root>/dist/mail.js, or a module that it imports, has a syntax error: Unexpected token ','.`,
    suggests: 'find it: node --check <module>',
  },
  {
    how: 'has a missing dependency',
    plugin: { module: `import 'smtp-of-nobody'` },
    says: `${cannotBeLoaded} <root>/dist/mail.js fails to import: Cannot find package 'smtp-of-nobody' imported from <root>/dist/mail.js.`,
    suggests: 'add "smtp-of-nobody" to the dependencies of ops-plugin-mail, then npm install',
  },
  {
    how: 'exports no default',
    plugin: { module: 'export const mail = 1' },
    says: `${cannotBeLoaded} <root>/dist/mail.js must export a processor.`,
    suggests: remove,
  },
  {
    how: 'exports something else',
    plugin: { module: `export default { name: 'mail', perform() {} }` },
    says: `${cannotBeLoaded} <root>/dist/mail.js must export a processor.`,
    suggests: remove,
  },
  {
    how: 'defines a processor of another name',
    plugin: { module: countingModule('mial', 'mails') },
    says: `${cannotBeLoaded} <root>/dist/mail.js defines a processor named "mial".`,
    suggests: 'rename it to "mail", or use "mial" in package.json',
  },
  {
    how: 'requires another plugin API',
    plugin: { manifest: { ops: { ...ops, api: 2 } } },
    says: 'The plugin ops-plugin-mail@1.0.0 cannot be used: it requires plugin API 2, this ops has plugin API 1.',
    suggests: 'update ops, or the plugin: ops plugins update ops-plugin-mail',
  },
  {
    how: 'declares a processor that another plugin has',
    // A linked one would win.
    isLetterInstalled: true,
    plugin: { manifest: { ops: { ...ops, processors: { letter: './dist/mail.js' } } } },
    says: 'The processor "letter" is declared by both ops-plugin-letter and ops-plugin-mail.',
    suggests: 'uninstall one of them: ops plugins uninstall ops-plugin-letter',
  },
  {
    how: 'has the task table of another plugin',
    plugin: { module: countingModule('mail', 'letters') },
    says: 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be used: its table "letters" belongs to "letter" of ops-plugin-letter.',
    suggests: 'use another table for one of them',
  },
  {
    how: 'uses a table name of ops',
    plugin: { module: countingModule('mail', 'ops_runs') },
    says: `${cannotBeLoaded} its table "ops_runs" starts with a reserved prefix (ops_, sqlite_, pg_).`,
    suggests: 'rename the table in ./dist/mail.js',
  },
  {
    how: 'has no migrations',
    plugin: { manifest: { ops: { ...ops, migrations: undefined } } },
    says: 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be used: <database> has no table "mails", and no migration of the plugin creates it.',
    suggests: 'create the table in a migration of the application',
  },
  {
    how: 'is CommonJS by its syntax',
    plugin: { module: 'module.exports = {}' },
    says: `${cannotBeLoaded} <root>/dist/mail.js is CommonJS, but a processor must be an ES module.`,
    suggests: 'use import and export, and set "type": "module" in package.json',
  },
  {
    how: 'is CommonJS by its package.json',
    plugin: { manifest: { type: 'commonjs' }, module: `module.exports = { name: 'mail' }` },
    says: `${cannotBeLoaded} <root>/dist/mail.js is CommonJS, but a processor must be an ES module.`,
    suggests: 'use import and export, and set "type": "module" in package.json',
  },
  {
    how: 'ships TypeScript',
    plugin: {
      manifest: { ops: { ...ops, processors: { mail: './dist/mail.ts' } } },
      files: { 'dist/mail.ts': countingModule('mail') },
    },
    says: `${cannotBeLoaded} <root>/dist/mail.ts is or imports TypeScript, which Node does not run below node_modules.`,
    suggests: 'build ops-plugin-mail before packing it, or link its folder: ops plugins link <folder>',
  },
  {
    how: 'was packed without a build',
    plugin: {
      manifest: { ops: { ...ops, processors: { mail: './dist/unbuilt.js' } } },
      files: { 'src/unbuilt.ts': countingModule('mail') },
    },
    says: `${cannotBeLoaded} it was packed without a build: <root>/src/unbuilt.ts exists, <root>/dist/unbuilt.js does not.`,
    suggests: 'build ops-plugin-mail before packing it, or link its folder: ops plugins link <folder>',
  },
  {
    how: 'has an invalid command declaration',
    plugin: { manifest: { ops: { ...ops, processors: { mail: { comand: ['mail'], table: 'mails' } } } } },
    says: 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be used: unknown setting "comand", did you mean "command"?; "command" is missing.',
    suggests: 'fix "ops.processors.mail" in its package.json',
  },
]

/** A project with the plugin `letter`, which works, and the broken plugin `mail`. */
async function withBroken(plugin: PackageOptions, config: Config = {}, { isLetterInstalled = false } = {}) {
  const project = TestProject.withConfig(config)
  const letter = pluginPackage('letter')
  if (!isLetterInstalled) project.linkHere({ name: 'ops-plugin-letter', root: letter })
  project.placeHere(...(isLetterInstalled ? [letter] : []), pluginPackage('mail', plugin))
  await project.ops('migrate')
  return project
}

function occurrences(text: string, sentence: string): number {
  // Lines wrap anywhere, even within a path.
  const without = (from: string) => from.replaceAll(/\s/g, '')
  return without(text).split(without(sentence)).length - 1
}

describe('a plugin that', () => {
  it.each(breakages)('$how is reported with the reason and what to do, and everything else works', async (breakage) => {
    const project = await withBroken(breakage.plugin, {}, breakage)
    const root = project.path('.ops/plugins/node_modules/ops-plugin-mail')
    const inPlace = (text: string) =>
      text
        .replaceAll('<root>', root)
        .replaceAll('<module>', formatCommand(`${root}/dist/mail.js`))
        .replaceAll('<database>', project.path('.ops/ops.db'))
    const says = inPlace(breakage.says)
    const listed = await project.ops('processors')
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(occurrences(listed.stdout, says)).toBe(1)
    const suggests = suggestionLine(inPlace(breakage.suggests))
    expect(occurrences(listed.stdout, suggests)).toBe(1)

    const added = await project.ops('enqueue', 'letter', '--text', 'four')
    expect(added).toMatchObject({ exitCode: 0, stdout: 'letter 1' })
    const tasks = await project.ops('tasks')
    expect(tasks.exitCode).toBe(0)
    expect(tasks.stdout).toContain('letter 1')
    expect(occurrences(tasks.stderr, says)).toBe(1)
    expect(occurrences(tasks.stderr, suggests)).toBe(1)

    const worker = await project.ops('worker', '--drain')
    expect(worker.exitCode).toBe(0)
    const events = worker.stdout.split('\n').map((line) => JSON.parse(line) as WorkerEvent)
    const logged = events.map(({ message }) => message).join('\n') + worker.stderr
    expect(occurrences(logged, says)).toBe(1)
    expect(occurrences(logged, suggests)).toBe(1)
    expect(project.rows('select status, length from letters')).toEqual([{ status: 'succeeded', length: 4 }])
  })

  it.each(['throws on import', 'requires another plugin API'])('%s is reported when it is installed', async (how) => {
    const { plugin, says } = breakages.find((breakage) => breakage.how === how)!
    const project = TestProject.withConfig()
    const installed = await project.ops('plugins:install', pluginPackage('mail', plugin))
    expect(installed.exitCode).toBe(1)
    expect(unwrapped(installed.stdout)).toContain('ops-plugin-mail 1.0.0 is installed for this project')
    const root = project.path('.ops/plugins/node_modules/ops-plugin-mail')
    expect(occurrences(installed.stderr, says.replaceAll('<root>', root))).toBe(1)
    expect(unwrapped(installed.stderr)).toContain('ops-plugin-mail is installed but does not work.')
    expect(occurrences(installed.stderr, 'ops plugins uninstall ops-plugin-mail')).toBe(1)
  })

  it('cannot be used is listed with the reason, does not affect --help, and can be uninstalled', async () => {
    const project = await withBroken({ module: `throw new Error('set SMTP_KEY')` })
    const help = await project.ops('--help')
    expect(help).toMatchObject({ exitCode: 0, stderr: '' })
    expect(help.stdout).toContain('enqueue')
    const listed = await project.ops('plugins')
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(unwrapped(listed.stdout)).toContain('fails to import: set SMTP_KEY')
    expect((await project.ops('plugins:uninstall', 'mail')).exitCode).toBe(0)
    expect(await project.ops('tasks')).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('has a failing migration is reported, and the tables of the others are created', async () => {
    const project = await withBroken({ files: { 'migrations/sqlite/0000_mails.sql': 'create nonsense' } })
    const { stderr, exitCode } = await project.ops('migrate')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('The migration "0000_mails" of ops-plugin-mail failed and was rolled back')
    await project.ops('enqueue', 'letter', '--text', 'four')
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.value('select status from letters')).toBe('succeeded')
  })

  it.each<[string, PackageOptions, string]>([
    ['are missing', {}, ''],
    [
      'throw on import',
      { files: { 'dist/commands/mailbox.js': `throw new Error('boom')` } },
      `Warning: The command "mailbox" of the plugin ops-plugin-mail cannot be loaded: boom.
Try: ops plugins uninstall ops-plugin-mail  # or fix it`,
    ],
    [
      'are listed in a manifest of another version',
      { files: { 'oclif.manifest.json': '{ "version": "9.9.9", "commands": { "mailbox": {} } }' } },
      '',
    ],
    ['are listed in a manifest that is torn', { files: { 'oclif.manifest.json': '{ "version"' } }, ''],
  ])('has commands that %s does not affect other commands', async (_, options, says) => {
    const project = await withBroken({ manifest: { oclif: { commands: './dist/commands' } }, ...options })
    const help = await project.ops('--help')
    expect(help).toMatchObject({ exitCode: 0, stderr: says })
    expect(help.stdout).toContain('enqueue')
    const added = await project.ops('enqueue', 'letter', '--text', 'four')
    expect(added).toMatchObject({ exitCode: 0, stdout: 'letter 1', stderr: says })
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.value('select status from letters')).toBe('succeeded')
  })

  it.each([
    [
      'has lost its folder',
      'it is listed but not installed',
      'install the versions in the lock file: ops plugins install',
    ],
    ['has a truncated package.json', 'is not valid JSON', remove],
  ])('%s is reported by every command, and everything else works', async (how, problem, suggestion) => {
    const project = await withBroken({})
    if (how.includes('lost')) rmSync(project.path('.ops/plugins/node_modules/ops-plugin-mail'), { recursive: true })
    else project.write('.ops/plugins/node_modules/ops-plugin-mail/package.json', '{ "name"')
    for (const command of [['enqueue', 'letter', '--text', 'four'], ['tasks'], ['worker', '--drain']]) {
      const { stderr, exitCode } = await project.ops(...command)
      expect(exitCode).toBe(0)
      expect(unwrapped(stderr)).toContain('The plugin ops-plugin-mail cannot be used: ')
      expect(unwrapped(stderr)).toContain(problem)
      expect(stderr).toContain(suggestionLine(suggestion))
    }
    expect(project.value('select status from letters')).toBe('succeeded')
    expect((await project.ops('--help')).exitCode).toBe(0)
  })
})

describe('a worker with a broken plugin', () => {
  /** `mail` worked, and was replaced by a version that does not. */
  async function withPendingMail(): Promise<TestProject> {
    const project = await withBroken({})
    await project.ops('enqueue', 'mail', '--text', 'a')
    await project.ops('enqueue', 'letter', '--text', 'four')
    const worse = pluginPackage('mail', { version: '1.0.1', module: 'throw new Error("boom")' })
    project.placeHere(worse)
    return project
  }

  it('refuses to start with 78 while its tasks are pending, with the reason and what to do', async () => {
    const project = await withPendingMail()
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    const said = unwrapped(stderr)
    expect(said).toContain('The worker cannot start without the processor "mail", which has 1 pending task in "mails".')
    expect(said).toContain('of ops-plugin-mail@1.0.1 cannot be loaded: ')
    expect(said).toContain('fails to import: boom.')
    expect(said).toContain(unwrapped(suggestionLine(remove)))
    expect(project.rows('select status from letters union all select status from mails')).toEqual([
      { status: 'pending' },
      { status: 'pending' },
    ])
  })

  it('runs tasks of other processors with --only', async () => {
    const project = await withPendingMail()
    expect((await project.ops('worker', '--drain', '--only', 'letter')).exitCode).toBe(0)
    expect(project.value('select status from letters')).toBe('succeeded')
    expect(project.value('select status from mails')).toBe('pending')
  })

  it('performs the pending tasks once a working version is installed', async () => {
    const project = await withPendingMail()
    project.placeHere(pluginPackage('mail', { version: '1.0.2' }))
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.rows('select status, length from mails')).toEqual([{ status: 'succeeded', length: 1 }])
  })

  it('refuses to start while tasks of a plugin whose folder is missing are pending', async () => {
    const project = await withPendingMail()
    rmSync(project.path('.ops/plugins/node_modules'), { recursive: true })
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain(
      'cannot start without the plugin ops-plugin-mail, which has 1 pending task in "mails"',
    )
    expect(unwrapped(stderr)).toContain('Try: ops plugins install # install the versions in the lock file')
  })

  it.each<[string, Config, string]>([
    ['settings for the plugin', { plugins: { mail: {} } }, '(plugins.mail)'],
    [
      'a schedule for it',
      { schedules: { daily: { cron: '0 4 * * *', enqueue: 'mail', with: { text: 'a' } } } },
      'mail',
    ],
  ])('refuses to start with 78 if the configuration has %s', async (_, config, problem) => {
    const project = await withBroken({ module: 'throw new Error("boom")' }, config)
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain(problem)
    expect(unwrapped(stderr)).toContain('boom')
  })
})
