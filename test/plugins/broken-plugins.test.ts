import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
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
  readonly suggests: string
}

const ops = { api: 1, processors: { mail: './dist/mail.js' }, migrations: './migrations' }
const cannotBeLoaded = 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be loaded:'
const takeAway = 'mend it, or take it away: ops plugins uninstall ops-plugin-mail'

const breakages: Breakage[] = [
  {
    how: 'has no such file',
    plugin: { manifest: { ops: { ...ops, processors: { mail: './dist/gone.js' } } } },
    says: `${cannotBeLoaded} <root>/dist/gone.js does not exist.`,
    suggests: 'build the plugin, or mend "ops.processors" in its package.json',
  },
  {
    how: 'throws when it is imported',
    plugin: { module: `\nthrow new Error('no SMTP_HOST')` },
    says: `${cannotBeLoaded} <root>/dist/mail.js:2 throws when it is imported: no SMTP_HOST.`,
    suggests: takeAway,
  },
  {
    how: 'throws in a module that it imports',
    plugin: { module: `import './host.js'`, files: { 'dist/host.js': `throw new Error('no SMTP_HOST')` } },
    says: `${cannotBeLoaded} <root>/dist/mail.js throws when it is imported: no SMTP_HOST (<root>/dist/host.js:1).`,
    suggests: takeAway,
  },
  {
    how: 'is no JavaScript',
    plugin: { module: 'export default {,}' },
    says: `${cannotBeLoaded} <root>/dist/mail.js is no JavaScript, or imports what is none: Unexpected token ','.`,
    suggests: 'see where: node --check <root>/dist/mail.js',
  },
  {
    how: 'lacks a dependency',
    plugin: { module: `import 'smtp-of-nobody'` },
    says: `${cannotBeLoaded} <root>/dist/mail.js throws when it is imported: Cannot find package 'smtp-of-nobody' imported from <root>/dist/mail.js.`,
    suggests: 'add "smtp-of-nobody" to the dependencies of ops-plugin-mail and install them: npm install',
  },
  {
    how: 'exports no default',
    plugin: { module: 'export const mail = 1' },
    says: `${cannotBeLoaded} <root>/dist/mail.js must export a processor: export default defineProcessor({ … }).`,
    suggests: takeAway,
  },
  {
    how: 'exports what is no processor',
    plugin: { module: `export default { name: 'mail', perform() {} }` },
    says: `${cannotBeLoaded} <root>/dist/mail.js must export a processor: export default defineProcessor({ … }).`,
    suggests: takeAway,
  },
  {
    how: 'defines a processor of another name',
    plugin: { module: countingModule('mial', 'mails') },
    says: `${cannotBeLoaded} <root>/dist/mail.js defines "mial".`,
    suggests: 'call it "mail" there, or "mial" in its package.json',
  },
  {
    how: 'speaks another version of the contract',
    plugin: { manifest: { ops: { ...ops, api: 2 } } },
    says: 'The plugin ops-plugin-mail@1.0.0 speaks version 2 of the plugin contract, this ops speaks 1; update one of them.',
    suggests: 'ops plugins update ops-plugin-mail, or update ops',
  },
  {
    how: 'declares a processor that another plugin has',
    // A linked one would go before it.
    isLetterInstalled: true,
    plugin: { manifest: { ops: { ...ops, processors: { letter: './dist/mail.js' } } } },
    says: 'The processor "letter" is declared by both ops-plugin-letter and ops-plugin-mail; uninstall one of them.',
    suggests: 'ops plugins uninstall ops-plugin-letter, or ops plugins uninstall ops-plugin-mail',
  },
  {
    how: 'has the task table of another plugin',
    plugin: { module: countingModule('mail', 'letters') },
    says: 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be used: its table "letters" is that of "letter" of ops-plugin-letter.',
    suggests: 'give it a table of its own, or uninstall ops-plugin-mail or ops-plugin-letter',
  },
  {
    how: 'has a task table of ops’ own',
    plugin: { module: countingModule('mail', 'ops_runs') },
    says: `${cannotBeLoaded} its table "ops_runs" has a name that is not for plugins; those begin with ops_, sqlite_ or pg_.`,
    suggests: 'give the table of ./dist/mail.js another name',
  },
  {
    how: 'brings no migrations',
    plugin: { manifest: { ops: { ...ops, migrations: undefined } } },
    says: 'The processor "mail" of ops-plugin-mail@1.0.0 cannot be used: <database> has no table "mails", and no migration of the plugin makes it.',
    suggests: 'or make the table with the migrations of the application',
  },
  {
    how: 'is CommonJS by its syntax',
    plugin: { module: 'module.exports = {}' },
    says: `${cannotBeLoaded} <root>/dist/mail.js is CommonJS, and the module of a processor is an ES module.`,
    suggests: 'write import and export, with "type": "module" in its package.json',
  },
  {
    how: 'is CommonJS by its package.json',
    plugin: { manifest: { type: 'commonjs' }, module: `module.exports = { name: 'mail' }` },
    says: `${cannotBeLoaded} <root>/dist/mail.js is CommonJS, and the module of a processor is an ES module.`,
    suggests: 'write import and export, with "type": "module" in its package.json',
  },
  {
    how: 'ships TypeScript',
    plugin: {
      manifest: { ops: { ...ops, processors: { mail: './dist/mail.ts' } } },
      files: { 'dist/mail.ts': countingModule('mail') },
    },
    says: `${cannotBeLoaded} <root>/dist/mail.ts is TypeScript, or imports some, which Node does not run below node_modules.`,
    suggests: 'have ops-plugin-mail build its JavaScript before it is packed, or link its folder',
  },
  {
    how: 'was packed without being built',
    plugin: {
      manifest: { ops: { ...ops, processors: { mail: './dist/unbuilt.js' } } },
      files: { 'src/unbuilt.ts': countingModule('mail') },
    },
    says: `${cannotBeLoaded} it was packed without being built: there is <root>/src/unbuilt.ts and no <root>/dist/unbuilt.js.`,
    suggests: 'have ops-plugin-mail build its JavaScript before it is packed, or link its folder',
  },
  {
    how: 'declares a program wrongly',
    plugin: { manifest: { ops: { ...ops, processors: { mail: { comand: ['mail'], table: 'mails' } } } } },
    says: 'The plugin ops-plugin-mail@1.0.0 declares the processor "mail" wrongly: "comand" is no setting of a processor, did you mean "command"?; "command" is missing.',
    suggests: 'mend its package.json, or uninstall ops-plugin-mail',
  },
]

/** A project with the plugin `letter`, which works and is linked unless it is to be installed, and `mail` beside it. */
async function withBroken(plugin: PackageOptions, config: Config = {}, { isLetterInstalled = false } = {}) {
  const project = TestProject.withConfig(config)
  const letter = pluginPackage('letter')
  if (!isLetterInstalled) project.linkHere({ name: 'ops-plugin-letter', root: letter })
  project.placeHere(...(isLetterInstalled ? [letter] : []), pluginPackage('mail', plugin))
  await project.ops('migrate')
  return project
}

function howOften(text: string, sentence: string): number {
  // Lines are broken wherever they are full, also within a path.
  const without = (from: string) => from.replaceAll(/\s/g, '')
  return without(text).split(without(sentence)).length - 1
}

describe('a plugin that', () => {
  it.each(breakages)('$how is named, with the reason and what to do, and all else works', async (breakage) => {
    const project = await withBroken(breakage.plugin, {}, breakage)
    const inPlace = (text: string) =>
      text
        .replaceAll('<root>', project.path('.ops/plugins/node_modules/ops-plugin-mail'))
        .replaceAll('<database>', project.path('.ops/ops.db'))
    const says = inPlace(breakage.says)
    const listed = await project.ops('processors')
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(howOften(listed.stdout, says)).toBe(1)
    expect(unwrapped(listed.stdout)).toContain(inPlace(breakage.suggests))

    const added = await project.ops('enqueue', 'letter', '--text', 'four')
    expect(added).toMatchObject({ exitCode: 0, stdout: 'letter 1' })
    const tasks = await project.ops('tasks')
    expect(tasks.exitCode).toBe(0)
    expect(tasks.stdout).toContain('letter 1')
    expect(howOften(tasks.stderr, says)).toBe(1)
    expect(howOften(tasks.stderr, inPlace(breakage.suggests))).toBe(1)

    const worker = await project.ops('worker', '--drain')
    expect(worker.exitCode).toBe(0)
    const events = worker.stdout.split('\n').map((line) => JSON.parse(line) as WorkerEvent)
    const logged = events.map(({ message }) => message).join('\n') + worker.stderr
    expect(howOften(logged, says)).toBe(1)
    expect(howOften(logged, inPlace(breakage.suggests))).toBe(1)
    expect(project.rows('select status, length from letters')).toEqual([{ status: 'succeeded', length: 4 }])
  })

  it.each(['throws when it is imported', 'speaks another version of the contract'])(
    '%s is named when it is installed',
    async (how) => {
      const { plugin, says } = breakages.find((breakage) => breakage.how === how)!
      const project = TestProject.withConfig()
      const installed = await project.ops('plugins:install', pluginPackage('mail', plugin))
      expect(installed.exitCode).toBe(1)
      expect(unwrapped(installed.stdout)).toContain('ops-plugin-mail 1.0.0 is installed for this project')
      const root = project.path('.ops/plugins/node_modules/ops-plugin-mail')
      expect(howOften(installed.stderr, says.replaceAll('<root>', root))).toBe(1)
      expect(unwrapped(installed.stderr)).toContain('cannot be used as it is; all else works.')
      expect(howOften(installed.stderr, 'ops plugins uninstall ops-plugin-mail')).toBe(1)
    },
  )

  it('cannot be used is listed with the reason, leaves --help alone, and is gone once it is uninstalled', async () => {
    const project = await withBroken({ module: `throw new Error('set SMTP_KEY')` })
    const help = await project.ops('--help')
    expect(help).toMatchObject({ exitCode: 0, stderr: '' })
    expect(help.stdout).toContain('enqueue')
    const listed = await project.ops('plugins')
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' })
    expect(unwrapped(listed.stdout)).toContain('throws when it is imported: set SMTP_KEY')
    expect((await project.ops('plugins:uninstall', 'mail')).exitCode).toBe(0)
    expect(await project.ops('tasks')).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('has a migration that fails is named, and the tables of the others are made', async () => {
    const project = await withBroken({ files: { 'migrations/sqlite/0000_mails.sql': 'create nonsense' } })
    const { stderr, exitCode } = await project.ops('migrate')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('The migration "0000_mails" of ops-plugin-mail failed and was rolled back')
    await project.ops('enqueue', 'letter', '--text', 'four')
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.value('select status from letters')).toBe('succeeded')
  })

  it.each<[string, PackageOptions, string]>([
    ['are not there', {}, ''],
    [
      'throw when they are imported',
      { files: { 'dist/commands/mailbox.js': `throw new Error('boom')` } },
      `Warning: The command "mailbox" of the plugin ops-plugin-mail cannot be loaded: boom.
Try: fix it, or remove it: ops plugins uninstall ops-plugin-mail`,
    ],
    [
      'are listed in a manifest of another version',
      { files: { 'oclif.manifest.json': '{ "version": "9.9.9", "commands": { "mailbox": {} } }' } },
      '',
    ],
    ['are listed in a manifest that is torn', { files: { 'oclif.manifest.json': '{ "version"' } }, ''],
  ])('has commands that %s keeps no other command from working', async (_, options, says) => {
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
    ['has lost its folder', 'it is listed and not installed', 'install what the lock file says: ops plugins install'],
    ['has a package.json that is torn', 'is no JSON', 'or: ops plugins uninstall ops-plugin-mail'],
  ])('%s is named by every command, and all else works', async (how, problem, suggestion) => {
    const project = await withBroken({})
    if (how.includes('lost')) rmSync(project.path('.ops/plugins/node_modules/ops-plugin-mail'), { recursive: true })
    else project.write('.ops/plugins/node_modules/ops-plugin-mail/package.json', '{ "name"')
    for (const command of [['enqueue', 'letter', '--text', 'four'], ['tasks'], ['worker', '--drain']]) {
      const { stderr, exitCode } = await project.ops(...command)
      expect(exitCode).toBe(0)
      expect(unwrapped(stderr)).toContain('The plugin ops-plugin-mail cannot be used: ')
      expect(unwrapped(stderr)).toContain(problem)
      expect(unwrapped(stderr)).toContain(suggestion)
    }
    expect(project.value('select status from letters')).toBe('succeeded')
    expect((await project.ops('--help')).exitCode).toBe(0)
  })
})

describe('a worker without a plugin that is broken', () => {
  /** `mail` has worked, and is replaced by what does not. */
  async function withWaitingMail(): Promise<TestProject> {
    const project = await withBroken({})
    await project.ops('enqueue', 'mail', '--text', 'a')
    await project.ops('enqueue', 'letter', '--text', 'four')
    const worse = pluginPackage('mail', { version: '1.0.1', module: 'throw new Error("boom")' })
    project.placeHere(worse)
    return project
  }

  it('refuses to start with 78 while tasks of it are pending, and says which, why and what to do', async () => {
    const project = await withWaitingMail()
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    const said = unwrapped(stderr)
    expect(said).toContain('The worker does not start without the processor "mail": 1 task of "mails" is pending.')
    expect(said).toContain('of ops-plugin-mail@1.0.1 cannot be loaded: ')
    expect(said).toContain('throws when it is imported: boom.')
    expect(said).toContain('mend it, or take it away: ops plugins uninstall ops-plugin-mail')
    expect(project.rows('select status from letters union all select status from mails')).toEqual([
      { status: 'pending' },
      { status: 'pending' },
    ])
  })

  it('takes the tasks of others where it is told to', async () => {
    const project = await withWaitingMail()
    expect((await project.ops('worker', '--drain', '--only', 'letter')).exitCode).toBe(0)
    expect(project.value('select status from letters')).toBe('succeeded')
    expect(project.value('select status from mails')).toBe('pending')
  })

  it('performs the waiting tasks once a version that works is installed', async () => {
    const project = await withWaitingMail()
    project.placeHere(pluginPackage('mail', { version: '1.0.2' }))
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.rows('select status, length from mails')).toEqual([{ status: 'succeeded', length: 1 }])
  })

  it('refuses to start while tasks are pending of one whose folder has gone', async () => {
    const project = await withWaitingMail()
    rmSync(project.path('.ops/plugins/node_modules'), { recursive: true })
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('does not start without the plugin ops-plugin-mail: 1 task of "mails"')
    expect(unwrapped(stderr)).toContain('install what the lock file says: ops plugins install')
  })

  it.each<[string, Config, string]>([
    ['settings for it', { plugins: { mail: {} } }, 'has settings for it (plugins.mail)'],
    ['a schedule of it', { schedules: { daily: { cron: '0 4 * * *', enqueue: 'mail', with: { text: 'a' } } } }, 'mail'],
  ])('refuses to start with 78 where the configuration has %s', async (_, config, problem) => {
    const project = await withBroken({ module: 'throw new Error("boom")' }, config)
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain(problem)
    expect(unwrapped(stderr)).toContain('boom')
  })
})
