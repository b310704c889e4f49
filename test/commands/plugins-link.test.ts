import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatCommand } from '../../src/format.ts'
import { countingModule, packed, pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

/** The plugin `note`, which writes this down as the length of every text. */
const saying = (length: number, version = '1.0.0') =>
  pluginPackage('note', { version, module: countingModule('note', 'notes', String(length)) })

/** What the plugin that counts writes down. */
async function said(project: TestProject): Promise<number> {
  await project.ops('enqueue', 'note', '--text', 'x')
  await project.ops('worker', '--drain')
  return project.value('select length from notes order by id desc')
}

interface Sheet {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly root: string
}

async function sheet(project: TestProject, name = 'ops-plugin-note'): Promise<Sheet | undefined> {
  const { plugins } = JSON.parse((await project.ops('plugins', '--json')).stdout) as { plugins: Sheet[] }
  const found = plugins.filter((one) => one.name === name)
  expect(found.length).toBeLessThan(2)
  return found[0]
}

describe('ops plugins link', () => {
  it('runs a plugin from its TypeScript sources, and every edit counts with the next command', async () => {
    const project = TestProject.withConfig()
    const root = pluginPackage('note', {
      files: { 'src/note.ts': `${countingModule('note', 'notes', '5')}const made: string = 'here'\n` },
    })
    rmSync(join(root, 'dist'), { recursive: true })
    cpSync(root, project.path('note'), { recursive: true })
    const { stdout, stderr, exitCode } = await project.ops('plugins:link', './note')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'ops-plugin-note 1.0.0 is linked for this project, from note',
      '  processor note, table notes, priority 100, any number at once',
      'Next: ops migrate',
    ])
    await project.ops('migrate')
    expect(await said(project)).toBe(5)
    project.write('note/src/note.ts', countingModule('note', 'notes', '6'))
    expect(await said(project)).toBe(6)
  })

  it('links the folder that it is started in', async () => {
    const project = TestProject.withConfig()
    cpSync(saying(1), project.path('note'), { recursive: true })
    await project.opsWith({ cwd: project.path('note') }, 'plugins', 'link', '--migrate')
    expect(await sheet(project)).toMatchObject({ source: 'linked', root: project.path('note') })
    expect(await said(project)).toBe(1)
    // From the list, so that a checkout elsewhere finds it too.
    expect(JSON.parse(project.read('.ops/plugins/package.json')).oclif.plugins).toEqual([
      { name: 'ops-plugin-note', type: 'link', root: '../../note', tables: ['notes'] },
    ])
  })

  it('goes before the installed one, which counts again when it is unlinked', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:install', await packed(saying(1, '1.0.0')), '--migrate')
    expect(await said(project)).toBe(1)
    const linked = await project.ops('plugins:link', saying(2, '2.0.0-dev'))
    expect(linked.stdout).toContain('ops-plugin-note 2.0.0-dev (was 1.0.0) is linked')
    expect(await sheet(project)).toMatchObject({ version: '2.0.0-dev', source: 'linked' })
    expect(await said(project)).toBe(2)
    const { stdout, stderr, exitCode } = await project.ops('plugins:unlink', 'note')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'ops-plugin-note is linked no longer.',
      'The version that was installed before counts again: 1.0.0.',
    ])
    expect(await sheet(project)).toMatchObject({ version: '1.0.0', source: 'installed' })
    expect(await said(project)).toBe(1)
  })

  it('gives way to one that is installed afterwards, which says so', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', saying(2, '2.0.0-dev'), '--migrate')
    const { stdout, stderr } = await project.ops('plugins:install', await packed(saying(1)))
    expect(stderr).toBe('')
    expect(stdout).toContain('ops-plugin-note 1.0.0 (was 2.0.0-dev, linked) is installed for this project')
    expect(await sheet(project)).toMatchObject({ version: '1.0.0', source: 'installed' })
    expect(await said(project)).toBe(1)
  })

  it('goes before the one that comes with ops, as an installed one does', async () => {
    const project = TestProject.withConfig()
    const own = (version: string, exitCode: number) =>
      pluginPackage('exec', {
        version,
        manifest: { name: '@ops-cli/plugin-exec' },
        module: `import { defineProcessor, taskTable } from '@ops-cli/core'
export default defineProcessor({
  name: 'exec',
  table: taskTable('commands', (column) => ({ command: column.text().notNull(), exit_code: column.integer() })),
  perform: () => ({ exit_code: ${exitCode} }),
})`,
      })
    const ran = async () => {
      await project.ops('enqueue', 'exec', '--command', 'exit 1')
      await project.ops('worker', '--drain', '--only', 'exec')
      return project.value('select exit_code from commands order by id desc')
    }
    await project.ops('migrate')
    const rest = own('9.0.0', 9)
    rmSync(join(rest, 'migrations'), { recursive: true })
    const other = own('8.0.0', 8)
    rmSync(join(other, 'migrations'), { recursive: true })
    expect(await ran()).toBe(1)
    await project.ops('plugins:install', await packed(rest))
    expect(await sheet(project, '@ops-cli/plugin-exec')).toMatchObject({ version: '9.0.0', source: 'installed' })
    expect(await ran()).toBe(9)
    await project.ops('plugins:link', other)
    expect(await sheet(project, '@ops-cli/plugin-exec')).toMatchObject({ version: '8.0.0', source: 'linked' })
    expect(await ran()).toBe(8)
    const { stdout } = await project.ops('plugins:uninstall', '@ops-cli/plugin-exec')
    expect(stdout).toBe('@ops-cli/plugin-exec is gone.\nThe one that comes with ops counts again.')
    expect(await sheet(project, '@ops-cli/plugin-exec')).toMatchObject({ source: 'bundled' })
    expect(await ran()).toBe(1)
  })

  it('links what does not work yet, says why, and takes it back with unlink', async () => {
    const project = TestProject.withConfig()
    const root = pluginPackage('note', { module: 'throw new Error("half written")' })
    const { stderr, exitCode } = await project.ops('plugins:link', root)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('throws when it is imported: half written')
    expect(unwrapped(stderr)).toContain('mend it, or take it away: ops plugins unlink ops-plugin-note')
    expect(await project.ops('plugins:unlink', 'ops-plugin-note')).toMatchObject({ exitCode: 0 })
    expect(await sheet(project)).toBeUndefined()
    expect(existsSync(join(root, 'package.json'))).toBe(true)
  })

  it.each([
    ['a folder that is not there', './nothing', 2, 'there is no'],
    ['a folder without a package.json', '.ops-nothing', 2, 'there is no'],
    ['a package that is no plugin', './other', 1, 'other is no plugin of ops'],
    ['a package without a name', './nameless', 2, 'gives it no name'],
    ['a package.json that is none', './torn', 2, 'is no JSON'],
  ])('refuses %s, and changes nothing', async (_, path, status, problem) => {
    const project = TestProject.withConfig()
    mkdirSync(project.path('.ops-nothing'))
    project.write('other/package.json', '{ "name": "other" }')
    project.write('nameless/package.json', '{ "ops": { "api": 1 } }')
    project.write('torn/package.json', '{ "name"')
    const { stderr, exitCode } = await project.ops('plugins:link', path)
    expect(exitCode).toBe(status)
    expect(unwrapped(stderr)).toContain(problem)
    expect(project.read('.ops/plugins/package.json')).not.toContain('link')
  })

  it('keeps the allow list, by the path of the folder', async () => {
    const project = TestProject.withConfig({ pluginsAllow: ['./mine/*', 'ops-plugin-note'] })
    cpSync(saying(1), project.path('mine/note'), { recursive: true })
    cpSync(saying(2), project.path('theirs/note'), { recursive: true })
    const { stderr, exitCode } = await project.ops('plugins:link', 'theirs/note')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(
      'is not in "pluginsAllow" of the configuration, which allows ./mine/*, ops-plugin-note.',
    )
    expect(await sheet(project)).toBeUndefined()
    expect((await project.ops('plugins:link', 'mine/note')).exitCode).toBe(0)
    expect(await sheet(project)).toMatchObject({ root: project.path('mine/note') })
  })

  it('links for the user where there is no project', async () => {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    const root = saying(3)
    const { stdout } = await project.ops('plugins:link', root)
    expect(stdout).toContain(`ops-plugin-note 1.0.0 is linked for this user, from ${root}`)
    const elsewhere = new TestProject()
    elsewhere.env.OPS_DATA_DIR = undefined
    elsewhere.env.HOME = project.env.HOME
    expect(await sheet(elsewhere)).toMatchObject({ source: 'linked', root })
    // A project has its own.
    const other = TestProject.withConfig()
    other.env.HOME = project.env.HOME
    expect(await sheet(other)).toBeUndefined()
    await elsewhere.ops('plugins:unlink', 'note')
    expect(await sheet(project)).toBeUndefined()
  })

  it('names a plugin whose folder has gone, and unlinks it', async () => {
    const project = TestProject.withConfig()
    cpSync(saying(1), project.path('note'), { recursive: true })
    await project.ops('plugins:link', './note')
    rmSync(project.path('note'), { recursive: true })
    for (const command of [['plugins'], ['processors']]) {
      const { stdout, exitCode } = await project.ops(...command)
      expect(exitCode).toBe(0)
      expect(stdout).toContain(
        `The plugin ops-plugin-note cannot be used: it is linked to ${project.path('note')}, where no package.json is.`,
      )
    }
    const { stderr } = await project.ops('tasks')
    expect(unwrapped(stderr)).toContain('ops plugins unlink ops-plugin-note')
    expect(await project.ops('plugins:unlink', 'ops-plugin-note')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await project.ops('enqueue', 'exec', '--command', 'true')).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('returns with --json what was linked and what was unlinked', async () => {
    const project = TestProject.withConfig()
    const root = saying(1)
    expect(JSON.parse((await project.ops('plugins:link', root, '--json')).stdout)).toMatchObject({
      folder: { path: project.path('.ops/plugins'), scope: 'project' },
      plugins: [{ name: 'ops-plugin-note', source: 'linked', root, previousVersion: null }],
      migration: { isDue: true },
    })
    expect(JSON.parse((await project.ops('plugins:unlink', 'note', '--json')).stdout)).toEqual({
      name: 'ops-plugin-note',
      installedVersion: null,
      isBundled: false,
      wayBack: formatCommand('ops', 'plugins', 'link', root),
      tables: [],
      pending: [],
      problem: null,
    })
  })

  it.each(['unlink', 'uninstall'])('%s of what is not there is refused with 2, and says what is', async (command) => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', saying(1))
    const before = readFileSync(project.path('.ops/plugins/package.json'), 'utf8')
    const { stderr, exitCode } = await project.ops(`plugins:${command}`, 'ops-plugin-nite')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('Did you mean "ops-plugin-note"?')
    expect(readFileSync(project.path('.ops/plugins/package.json'), 'utf8')).toBe(before)
  })
})
