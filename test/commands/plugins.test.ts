import { describe, expect, it } from 'vitest'
import { packed, pluginPackage } from '../support/plugin-package.ts'
import { everyPlugin, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const bundled = ['build', 'deploy', 'exec', 'transfer'].map((name) => `@ops-cli/plugin-${name}`)

describe('ops plugins', () => {
  it('lists bundled, installed and linked plugins', async () => {
    const project = TestProject.withConfig({ plugins: everyPlugin })
    const root = pluginPackage('letter')
    await project.ops('plugins:install', await packed(pluginPackage('note')))
    await project.ops('plugins:link', root)
    const { stdout, stderr, exitCode } = await project.ops('plugins')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const [head, ...lines] = stdout.split('\n')
    expect(head).toMatch(/^plugin +version +source +processors +from$/)
    expect(lines[0]).toMatch(new RegExp(`^ops-plugin-letter +1\\.0\\.0 +linked +letter +${root}$`))
    expect(lines[1]).toMatch(/^ops-plugin-note +1\.0\.0 +installed +note$/)
    expect(lines.slice(2).map((line) => line.split(/ +/)[0])).toEqual(bundled)
    const listed = JSON.parse((await project.ops('plugins', '--json')).stdout)
    expect(listed).toMatchObject({ path: project.path('.ops/plugins'), scope: 'project', problems: [] })
    expect(listed.plugins).toHaveLength(6)
    expect(listed.plugins[0]).toEqual({
      name: 'ops-plugin-letter',
      version: '1.0.0',
      source: 'linked',
      root,
      settingsKey: 'letter',
      isEnabled: true,
      processors: [expect.objectContaining({ name: 'letter', table: 'letters', source: 'linked' })],
      problems: [],
    })
  })

  it('lists the plugins of the user outside a project', async () => {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    const listed = JSON.parse((await project.ops('plugins', '--json')).stdout)
    expect(listed).toMatchObject({ path: `${project.env.HOME}/.local/share/ops`, scope: 'user' })
    expect(listed.plugins.map(({ name }: { name: string }) => name)).toEqual(bundled)
  })

  it('reports a damaged list, and still lists the bundled plugins', async () => {
    const project = TestProject.withConfig({ plugins: everyPlugin })
    project.write('.ops/plugins/package.json', '{ "oclif": ')
    const { stdout, exitCode } = await project.ops('plugins')
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`Cannot read the list of plugins, ${project.path('.ops/plugins/package.json')}: `)
    expect(stdout).toContain('@ops-cli/plugin-exec')
    expect(await project.ops('enqueue', 'exec', '--command', 'true')).toMatchObject({ exitCode: 0 })
    const { stderr, exitCode: refused } = await project.ops('plugins:link', pluginPackage('note'))
    expect(refused).toBe(1)
    expect(unwrapped(stderr)).toContain('Fix the file, or restore an earlier version')
    expect(project.read('.ops/plugins/package.json')).toBe('{ "oclif": ')
  })
})

describe('ops plugins inspect', () => {
  it('shows everything about a plugin', async () => {
    const project = TestProject.withConfig()
    const manifest = { description: 'Stores the length of a text.' }
    const tarball = await packed(pluginPackage('note', { manifest }))
    await project.ops('plugins:install', tarball)
    const { stdout, stderr, exitCode } = await project.ops('plugins:inspect', 'note')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'ops-plugin-note 1.0.0',
      '  source          installed',
      `  root            ${project.path('.ops/plugins/node_modules/ops-plugin-note')}`,
      '  summary         Stores the length of a text.',
      `  installed from  ${tarball}`,
      '  migrations      ./migrations',
      '  settings        plugins.note',
      '  processor       note: table notes, priority 100, any number at once',
    ])
    expect(JSON.parse((await project.ops('plugins:inspect', 'ops-plugin-note', '--json')).stdout)).toMatchObject({
      name: 'ops-plugin-note',
      source: 'installed',
      spec: tarball,
      migrations: './migrations',
      processors: [{ name: 'note', table: 'notes', problem: null }],
      commands: [],
      dependencies: [],
      problems: [],
    })
  })

  it('aligns the values', async () => {
    const { stdout } = await TestProject.withConfig({ plugins: everyPlugin }).ops('plugins:inspect', 'deploy')
    expect(stdout).toMatch(/^ {2}dependencies {2}valibot /m)
    expect(stdout).toMatch(/^ {2}commands +releases$/m)
    expect(stdout).toMatch(/^ {2}processor +deploy: table deployments, priority 20, one for each environment at once$/m)
    expect(stdout).toMatch(/^ {2}processor +rollback: table rollbacks/m)
  })

  it('reports what is wrong with a plugin, and what to do', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', pluginPackage('note', { module: 'throw new Error("boom")' }))
    const { stdout, exitCode } = await project.ops('plugins:inspect', 'note')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^ {2}processor +note: broken$/m)
    expect(stdout).toMatch(
      /The processor "note" of ops-plugin-note@1\.0\.0 cannot be loaded: .*boom\.\nFix the plugin\.\nTry: ops plugins /,
    )
  })

  it('refuses an unknown plugin with 2', async () => {
    const { stderr, exitCode } = await TestProject.withConfig().ops('plugins:inspect', 'biuld')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('Did you mean "build"?')
  })
})
