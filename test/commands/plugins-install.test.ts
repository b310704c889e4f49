import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countingModule, packed, pluginPackage } from '../support/plugin-package.ts'
import { Registry } from '../support/registry.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
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

  it('migrates with --migrate', async () => {
    const project = TestProject.withConfig()
    const { stdout } = await project.ops('plugins', 'install', await packed(notes()), '--migrate')
    expect(stdout.split('\n').at(-1)).toBe('The database is up to date.')
    await performsNotes(project)
  })

  it.each([
    ['./name.tgz', (file: string) => `./${basename(file)}`],
    ['name.tgz', basename],
    ['/abs/name.tgz', (file: string) => file],
    ['file:./name.tgz', (file: string) => `file:./${basename(file)}`],
    ['file:///abs/name.tgz', (file: string) => `file://${file}`],
  ])('accepts a tarball as %s, in a folder below the project', async (_, typed) => {
    const project = TestProject.withConfig()
    mkdirSync(project.path('below'))
    const tarball = await packed(notes(), project.path('below'))
    const cwd = project.path('below')
    expect(await project.opsWith({ cwd }, 'plugins:install', typed(tarball))).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it.each(['./note', 'note', '../note'])(
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

  it('installs a git repository at a tag, without running its scripts', async () => {
    const project = TestProject.withConfig()
    const root = pluginPackage('note', { manifest: { scripts: { prepare: 'touch ran' } } })
    const git = async (...args: string[]) =>
      execa('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', '-C', root, ...args])
    await git('init', '--quiet')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'x')
    await git('tag', 'v1')
    writeFileSync(join(root, 'dist/note.js'), 'throw new Error("later")')
    await git('commit', '--quiet', '--all', '--message', 'y')
    expect(await project.ops('plugins:install', `git+file://${root}#v1`, '--migrate')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    await performsNotes(project)
    expect(existsSync(project.path('.ops/plugins/node_modules/ops-plugin-note/ran'))).toBe(false)
    const missing = await project.ops('plugins:install', `git+file://${root}#v9`)
    expect(missing.exitCode).toBe(1)
    expect(unwrapped(missing.stderr)).toContain(`file://${root} has no "v9"`)
  })

  it('reports in one sentence that a repository cannot be read', async () => {
    const { exitCode, stderr } = await TestProject.withConfig().ops('plugins:install', 'git+file:///nowhere/at/all.git')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(
      /Cannot install \S+: git cannot read file:\/\/\/nowhere\/at\/all\.git \(fatal: .*\)\. Nothing was changed\./,
    )
  })

  it('installs a package from the registry in the requested version, and updates it', async () => {
    const registry = await Registry.start()
    for (const version of ['1.0.0', '1.1.0', '2.0.0']) await registry.publish(pluginPackage('note', { version }))
    const project = TestProject.withConfig()
    project.env.npm_config_registry = registry.url
    const versionNow = async () =>
      JSON.parse((await project.ops('plugins', '--json')).stdout).plugins.find(
        ({ name }: { name: string }) => name === 'ops-plugin-note',
      ).version
    expect((await project.ops('plugins:install', 'ops-plugin-note@1.0.0')).exitCode).toBe(0)
    expect(await versionNow()).toBe('1.0.0')
    expect((await project.ops('plugins:update')).exitCode).toBe(0)
    expect(await versionNow()).toBe('1.0.0')
    await project.ops('plugins:install', 'ops-plugin-note@1')
    expect(await versionNow()).toBe('1.1.0')
    const updated = await project.ops('plugins:install', 'ops-plugin-note')
    expect(updated.stdout).toContain('ops-plugin-note 2.0.0 (was 1.1.0) is installed')
    await registry.publish(pluginPackage('note', { version: '2.1.0' }))
    await project.ops('plugins:update', 'note')
    expect(await versionNow()).toBe('2.1.0')
    expect(registry.asked.filter((path) => path.startsWith('@ops-cli'))).toEqual([])
  })

  it.each([
    ['ops-plugin-nothing', 'has no such package, or you have no access to it'],
    ['ops-plugin-note@9', 'the registry has no such version'],
  ])('reports that %s does not exist', async (name, problem) => {
    const registry = await Registry.start()
    await registry.publish(notes())
    const project = TestProject.withConfig()
    project.env.npm_config_registry = registry.url
    const { exitCode, stderr } = await project.ops('plugins:install', name)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain(problem)
  })

  it('reports within seconds that the registry does not answer', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as { port: number }
    const project = TestProject.withConfig()
    for (const url of ['http://127.0.0.1:1', `http://127.0.0.1:${port}`]) {
      project.env.npm_config_registry = url
      const begin = Date.now()
      const { exitCode, stderr } = await project.ops('plugins:install', 'ops-plugin-note')
      expect(exitCode).toBe(1)
      expect(unwrapped(stderr)).toContain('Cannot install ops-plugin-note: the registry does not answer')
      expect(Date.now() - begin).toBeLessThan(15_000)
    }
  })

  it('refuses a package that is not a plugin, runs none of its scripts, and changes nothing', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:install', await packed(notes()))
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

  it('runs install scripts only with --allow-scripts, and says so if it did not', async () => {
    const project = TestProject.withConfig()
    const tarball = await packed(pluginPackage('note', { manifest: { scripts: { postinstall: 'touch ran' } } }))
    const ran = project.path('.ops/plugins/node_modules/ops-plugin-note/ran')
    const { stderr, exitCode } = await project.ops('plugins:install', tarball)
    expect(exitCode).toBe(0)
    expect(unwrapped(stderr)).toContain(
      'Install scripts of ops-plugin-note or its dependencies did not run. To run them: --allow-scripts',
    )
    expect(existsSync(ran)).toBe(false)
    expect(await project.ops('plugins:install', tarball, '--allow-scripts')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(existsSync(ran)).toBe(true)
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

  it('replaces a version that works by one that does not only with --force', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:install', await packed(notes()), '--migrate')
    const worse = await packed(pluginPackage('note', { version: '1.0.1', module: 'throw new Error("boom")' }))
    const { exitCode, stderr } = await project.ops('plugins:install', worse)
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(/Kept ops-plugin-note 1\.0\.0, because 1\.0\.1 does not work: .*boom/)
    await performsNotes(project)
    expect((await project.ops('plugins:install', worse, '--force')).exitCode).toBe(1)
    expect((await project.ops('processors')).stdout).toContain('boom')
    const fixed = pluginPackage('note', { version: '1.0.2', module: countingModule('note', 'notes', '7') })
    expect(await project.ops('plugins:install', fixed)).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('installs for the user outside a project', async () => {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    const { stdout } = await project.ops('plugins:install', await packed(notes()))
    expect(stdout).toContain('is installed for this user, in ')
    expect(existsSync(join(project.env.HOME!, '.local/share/ops/node_modules/ops-plugin-note'))).toBe(true)
    const elsewhere = new TestProject()
    elsewhere.env.OPS_DATA_DIR = temporaryFolder()
    await elsewhere.ops('plugins:install', await packed(notes()))
    expect(existsSync(join(elsewhere.env.OPS_DATA_DIR, 'node_modules/ops-plugin-note'))).toBe(true)
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
