import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { packed, pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const notes = () => pluginPackage('note')

/** Everything in the plugin folder of the project. */
function filesOf(project: TestProject): string[] {
  const folder = project.path('.ops/plugins')
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : []
}

async function performsNotes(project: TestProject): Promise<void> {
  expect(await project.ops('enqueue', 'note', '--text', 'four')).toMatchObject({ exitCode: 0, stderr: '' })
  await project.ops('worker', '--drain')
  expect(project.rows('select status, error, length from notes')).toEqual([
    { status: 'succeeded', error: null, length: 4 },
  ])
}

describe('ops plugins install', () => {
  it('installs a tarball for the project, and prints its processor, its table and the next step', async () => {
    const project = TestProject.withConfig()
    const tarball = await packed(notes())
    const { stdout, stderr, exitCode } = await project.ops('plugins:install', tarball)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'ops-plugin-note 1.0.0 is installed for this project, in .ops/plugins',
      '  processor note, table notes, priority 100, any number at once',
      'Next: ops migrate',
    ])
    expect((await project.ops('migrate')).exitCode).toBe(0)
    await performsNotes(project)
  })

  it.each(['./note', '../note'])(
    'accepts a folder as %s, packed as npm would publish it, without running its scripts',
    async (typed) => {
      const project = TestProject.withConfig()
      const scripts = { prepare: `touch ${project.path('ran')}`, prepack: `touch ${project.path('ran')}` }
      const files = { 'src/note.ts': 'x', '.npmignore': 'src\n' }
      cpSync(pluginPackage('note', { manifest: { scripts }, files }), project.path('note'), { recursive: true })
      mkdirSync(project.path('below'))
      const cwd = typed.startsWith('..') ? project.path('below') : project.directory
      expect(await project.opsWith({ cwd }, 'plugins:install', typed)).toMatchObject({ exitCode: 0, stderr: '' })
      expect(existsSync(project.path('.ops/plugins/node_modules/ops-plugin-note/src'))).toBe(false)
      expect(existsSync(project.path('ran'))).toBe(false)
      // A copy: what is installed does not change under a worker.
      writeFileSync(project.path('note/dist/note.js'), 'throw new Error("edited")')
      await project.ops('migrate')
      await performsNotes(project)
    },
  )

  it('reports in one sentence that a repository cannot be read', async () => {
    const { exitCode, stderr } = await TestProject.withConfig().ops('plugins:install', 'git+file:///nowhere/at/all.git')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(
      /Cannot install \S+: git cannot read file:\/\/\/nowhere\/at\/all\.git \(fatal: .*\)\. Nothing was changed\./,
    )
  })

  it('refuses a package that is not a plugin, runs none of its scripts, and changes nothing', async () => {
    const project = TestProject.withConfig()
    project.placeHere(notes())
    const before = filesOf(project)
    const other = pluginPackage('other', {
      manifest: { ops: undefined, scripts: { postinstall: `touch ${project.path('ran')}` } },
    })
    const { exitCode, stderr } = await project.ops('plugins:install', await packed(other), '--allow-scripts')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('ops-plugin-other is not an ops plugin')
    expect(existsSync(project.path('ran'))).toBe(false)
    expect(filesOf(project)).toEqual(before)
  })

  it('installs all of several plugins, or none', async () => {
    const project = TestProject.withConfig()
    const { exitCode } = await project.ops('plugins:install', await packed(notes()), './nothing.tgz')
    expect(exitCode).toBe(2)
    expect(filesOf(project)).toEqual([])
    const both = [await packed(notes()), await packed(pluginPackage('letter'))]
    expect(await project.ops('plugins:install', ...both)).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await project.ops('processors')).stdout).toMatch(/^letter .*\nnote /m)
  })

  it('respects the allow list of the configuration, and changes nothing for other plugins', async () => {
    const project = TestProject.withConfig({ pluginsAllow: ['@acme/*', './allowed/*'] })
    mkdirSync(project.path('allowed'))
    const tarball = await packed(notes(), project.path('allowed'))
    for (const [command, name] of [
      ['plugins:install', 'ops-plugin-note'],
      ['plugins:install', await packed(notes())],
      ['plugins:link', notes()],
    ]) {
      const { exitCode, stderr } = await project.ops(command!, name!)
      expect(exitCode).toBe(2)
      expect(unwrapped(stderr)).toContain('is not in "pluginsAllow" of the configuration')
    }
    expect(filesOf(project).filter((name) => name === 'package-lock.json')).toEqual([])
    expect((await project.ops('plugins:install', tarball)).exitCode).toBe(0)
  })

  it('installs the versions in the lock file without an argument, with neither tarball nor network', async () => {
    const project = TestProject.withConfig()
    const tarball = await packed(notes())
    await project.ops('plugins:install', tarball)
    rmSync(tarball)
    const server = TestProject.withConfig()
    server.env.npm_config_registry = 'http://127.0.0.1:1'
    const kept = ['package.json', 'package-lock.json', '.gitignore', 'tarballs']
    expect(readFileSync(project.path('.ops/plugins/.gitignore'), 'utf8')).toContain('node_modules/')
    mkdirSync(server.path('.ops/plugins'), { recursive: true })
    for (const name of kept)
      cpSync(project.path(`.ops/plugins/${name}`), server.path(`.ops/plugins/${name}`), { recursive: true })
    const missing = await server.ops('plugins')
    expect(missing.stdout).toContain('it is listed but not installed')
    expect(await server.ops('plugins:install', '--migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    await performsNotes(server)
    const lock = readFileSync(server.path('.ops/plugins/package-lock.json'), 'utf8')
    expect(lock).toBe(readFileSync(project.path('.ops/plugins/package-lock.json'), 'utf8'))
  })

  it('has nothing to install without an argument if no plugin is listed', async () => {
    const { exitCode, stderr } = await TestProject.withConfig().ops('plugins:install')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('No plugins are listed in')
  })

  it.each(['', 'no such name', '-x y', 'x@npm:y'])('refuses %j with 2', async (name) => {
    const { exitCode } = await TestProject.withConfig().ops('plugins:install', '--', name)
    expect(exitCode).toBe(2)
  })

  it('returns with --json what was installed and whether a migration is pending', async () => {
    const project = TestProject.withConfig()
    const { stdout } = await project.ops('plugins:install', await packed(notes()), '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      folder: { path: project.path('.ops/plugins'), scope: 'project' },
      plugins: [{ name: 'ops-plugin-note', version: '1.0.0', source: 'installed', processors: [{ table: 'notes' }] }],
      migration: { isDue: true, isDone: false },
    })
  })
})
