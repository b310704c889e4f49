import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
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

async function performsNotes(project: TestProject): Promise<void> {
  expect(await project.ops('enqueue', 'note', '--text', 'four')).toMatchObject({ exitCode: 0, stderr: '' })
  await project.ops('worker', '--drain')
  expect(project.rows('select status, error, length from notes')).toEqual([
    { status: 'succeeded', error: null, length: 4 },
  ])
}

describe('ops plugins install', () => {
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

  it('runs install scripts only with --allow-scripts, and says so if it did not', async () => {
    const project = TestProject.withConfig()
    const tarball = await packed(pluginPackage('note', { manifest: { scripts: { postinstall: 'touch ran' } } }))
    const ran = project.path('.ops/plugins/node_modules/ops-plugin-note/ran')
    const { stderr, exitCode } = await project.ops('plugins:install', tarball)
    expect(exitCode).toBe(0)
    expect(unwrapped(stderr)).toContain(
      'Install scripts of ops-plugin-note or its dependencies did not run. Run them: --allow-scripts',
    )
    expect(existsSync(ran)).toBe(false)
    expect(await project.ops('plugins:install', tarball, '--allow-scripts')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(existsSync(ran)).toBe(true)
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
})
