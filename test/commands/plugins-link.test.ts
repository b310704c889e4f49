import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatCommand } from '../../src/format.ts'
import { countingModule, packed, pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

/** The plugin `note`, which stores this as the length of every text. */
const noteOf = (length: number, version = '1.0.0') =>
  pluginPackage('note', { version, module: countingModule('note', 'notes', String(length)) })

/** What the active plugin stores. */
async function stored(project: TestProject): Promise<number> {
  await project.ops('enqueue', 'note', '--text', 'x')
  await project.ops('worker', '--drain')
  return project.value('select length from notes order by id desc')
}

interface Details {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly root: string
}

async function details(project: TestProject, name = 'ops-plugin-note'): Promise<Details | undefined> {
  const { plugins } = JSON.parse((await project.ops('plugins', '--json')).stdout) as { plugins: Details[] }
  const found = plugins.filter((one) => one.name === name)
  expect(found.length).toBeLessThan(2)
  return found[0]
}

describe('ops plugins link', () => {
  it('runs a plugin from its TypeScript sources, and the next command sees every edit', async () => {
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
    expect(await stored(project)).toBe(5)
    project.write('note/src/note.ts', countingModule('note', 'notes', '6'))
    expect(await stored(project)).toBe(6)
  })

  it('links the working directory by default', async () => {
    const project = TestProject.withConfig()
    cpSync(noteOf(1), project.path('note'), { recursive: true })
    await project.opsWith({ cwd: project.path('note') }, 'plugins', 'link', '--migrate')
    expect(await details(project)).toMatchObject({ source: 'linked', root: project.path('note') })
    expect(await stored(project)).toBe(1)
    // Relative to the list, so that a checkout elsewhere finds it too.
    expect(JSON.parse(project.read('.ops/plugins/package.json')).oclif.plugins).toEqual([
      { name: 'ops-plugin-note', type: 'link', root: '../../note', tables: ['notes'] },
    ])
  })

  it('replaces the installed version, which is active again after unlink', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:install', await packed(noteOf(1, '1.0.0')), '--migrate')
    expect(await stored(project)).toBe(1)
    const linked = await project.ops('plugins:link', noteOf(2, '2.0.0-dev'))
    expect(linked.stdout).toContain('ops-plugin-note 2.0.0-dev (was 1.0.0) is linked')
    expect(await details(project)).toMatchObject({ version: '2.0.0-dev', source: 'linked' })
    expect(await stored(project)).toBe(2)
    const { stdout, stderr, exitCode } = await project.ops('plugins:unlink', 'note')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual(['Unlinked ops-plugin-note.', 'The installed version 1.0.0 is active again.'])
    expect(await details(project)).toMatchObject({ version: '1.0.0', source: 'installed' })
    expect(await stored(project)).toBe(1)
  })

  it('is replaced by a version that is installed afterwards, which says so', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', noteOf(2, '2.0.0-dev'), '--migrate')
    const { stdout, stderr } = await project.ops('plugins:install', await packed(noteOf(1)))
    expect(stderr).toBe('')
    expect(stdout).toContain('ops-plugin-note 1.0.0 (was 2.0.0-dev, linked) is installed for this project')
    expect(await details(project)).toMatchObject({ version: '1.0.0', source: 'installed' })
    expect(await stored(project)).toBe(1)
  })

  it('replaces a bundled plugin, as an installed one does', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {} } })
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
    expect(await details(project, '@ops-cli/plugin-exec')).toMatchObject({ version: '9.0.0', source: 'installed' })
    expect(await ran()).toBe(9)
    await project.ops('plugins:link', other)
    expect(await details(project, '@ops-cli/plugin-exec')).toMatchObject({ version: '8.0.0', source: 'linked' })
    expect(await ran()).toBe(8)
    const { stdout } = await project.ops('plugins:uninstall', '@ops-cli/plugin-exec')
    expect(stdout).toBe('Uninstalled @ops-cli/plugin-exec.\nThe bundled version is active again.')
    expect(await details(project, '@ops-cli/plugin-exec')).toMatchObject({ source: 'bundled' })
    expect(await ran()).toBe(1)
  })

  it('links a plugin that does not work yet, says why, and unlinks it', async () => {
    const project = TestProject.withConfig()
    const root = pluginPackage('note', { module: 'throw new Error("half written")' })
    const { stderr, exitCode } = await project.ops('plugins:link', root)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('fails to import: half written')
    expect(unwrapped(stderr)).toContain('Try: ops plugins unlink ops-plugin-note # remove the plugin')
    expect(await project.ops('plugins:unlink', 'ops-plugin-note')).toMatchObject({ exitCode: 0 })
    expect(await details(project)).toBeUndefined()
    expect(existsSync(join(root, 'package.json'))).toBe(true)
  })

  it.each([
    ['a folder that does not exist', './nothing', 2, 'does not exist'],
    ['a folder without a package.json', '.ops-nothing', 2, 'does not exist'],
    ['a package that is not a plugin', './other', 1, 'other is not an ops plugin'],
    ['a package without a name', './nameless', 2, 'has no "name"'],
    ['a truncated package.json', './torn', 2, 'is not valid JSON'],
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

  it('respects the allow list, by the path of the folder', async () => {
    const project = TestProject.withConfig({ pluginsAllow: ['./mine/*', 'ops-plugin-note'] })
    cpSync(noteOf(1), project.path('mine/note'), { recursive: true })
    cpSync(noteOf(2), project.path('theirs/note'), { recursive: true })
    const { stderr, exitCode } = await project.ops('plugins:link', 'theirs/note')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(
      'is not in "pluginsAllow" of the configuration; it allows ./mine/*, ops-plugin-note.',
    )
    expect(await details(project)).toBeUndefined()
    expect((await project.ops('plugins:link', 'mine/note')).exitCode).toBe(0)
    expect(await details(project)).toMatchObject({ root: project.path('mine/note') })
  })

  it('links for the user outside a project', async () => {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    const root = noteOf(3)
    const { stdout } = await project.ops('plugins:link', root)
    expect(stdout).toContain(`ops-plugin-note 1.0.0 is linked for this user, from ${root}`)
    const elsewhere = new TestProject()
    elsewhere.env.OPS_DATA_DIR = undefined
    elsewhere.env.HOME = project.env.HOME
    expect(await details(elsewhere)).toMatchObject({ source: 'linked', root })
    // A project has its own.
    const other = TestProject.withConfig()
    other.env.HOME = project.env.HOME
    expect(await details(other)).toBeUndefined()
    await elsewhere.ops('plugins:unlink', 'note')
    expect(await details(project)).toBeUndefined()
  })

  it('reports a plugin whose folder is gone, and unlinks it', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {} } })
    cpSync(noteOf(1), project.path('note'), { recursive: true })
    await project.ops('plugins:link', './note')
    rmSync(project.path('note'), { recursive: true })
    for (const command of [['plugins'], ['processors']]) {
      const { stdout, exitCode } = await project.ops(...command)
      expect(exitCode).toBe(0)
      expect(stdout).toContain(
        `The plugin ops-plugin-note cannot be used: it is linked to ${project.path('note')}, which has no package.json.`,
      )
    }
    const { stderr } = await project.ops('tasks')
    expect(unwrapped(stderr)).toContain('ops plugins unlink ops-plugin-note')
    expect(await project.ops('plugins:unlink', 'ops-plugin-note')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await project.ops('enqueue', 'exec', '--command', 'true')).toMatchObject({ exitCode: 0, stdout: 'exec 1' })
  })

  it('returns with --json what was linked and what was unlinked', async () => {
    const project = TestProject.withConfig()
    const root = noteOf(1)
    expect(JSON.parse((await project.ops('plugins:link', root, '--json')).stdout)).toMatchObject({
      folder: { path: project.path('.ops/plugins'), scope: 'project' },
      plugins: [{ name: 'ops-plugin-note', source: 'linked', root, previousVersion: null }],
      migration: { isDue: true },
    })
    expect(JSON.parse((await project.ops('plugins:unlink', 'note', '--json')).stdout)).toEqual({
      name: 'ops-plugin-note',
      installedVersion: null,
      isBundled: false,
      reinstallCommand: formatCommand('ops', 'plugins', 'link', root),
      tables: [],
      pending: [],
      problem: null,
    })
  })

  it.each(['unlink', 'uninstall'])('%s refuses an unknown plugin with 2, and suggests a known one', async (command) => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', noteOf(1))
    const before = readFileSync(project.path('.ops/plugins/package.json'), 'utf8')
    const { stderr, exitCode } = await project.ops(`plugins:${command}`, 'ops-plugin-nite')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('Did you mean "ops-plugin-note"?')
    expect(readFileSync(project.path('.ops/plugins/package.json'), 'utf8')).toBe(before)
  })
})
