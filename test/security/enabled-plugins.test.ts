import { describe, expect, it } from 'vitest'
import { checkAllowed, checkLocked, parsePluginSource } from '../../src/plugins/plugin-source.ts'
import { pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const tables = `select name from sqlite_schema where type = 'table' and name in ('builds', 'commands', 'imports')`

describe('a configuration', () => {
  it('enables only the bundled plugins that it names', async () => {
    const project = TestProject.withConfig({ plugins: { build: {} } })
    await project.ops('migrate')
    expect(project.rows(tables)).toEqual([{ name: 'builds' }])
    expect((await project.ops('enqueue', 'build', '--repository', '.')).stdout).toBe('build 1')
    const { processors, disabled } = JSON.parse((await project.ops('processors', '--json')).stdout)
    expect(processors.map(({ name }: { name: string }) => name)).toEqual(['build'])
    expect(disabled).toEqual(['deploy', 'exec', 'transfer'])
    expect((await project.ops('processors')).stdout).toMatch(/\n\nNot enabled: deploy, exec, transfer\. /)
    expect((await project.ops('plugins')).stdout).toMatch(/plugin-exec .* not enabled$/m)
    expect((await project.ops('doctor')).stdout).toMatch(/plugins +build$/m)
  })

  it.each([
    [['enqueue', 'exec', '--command', 'true'], 'exec'],
    [['enqueue', 'exec', '--help'], 'exec'],
    [['worker', '--only', 'exec'], 'exec'],
    [['releases', 'production'], 'deploy'],
  ])('makes %j say how to enable its plugin', async (args, plugin) => {
    const { stderr, exitCode } = await TestProject.withConfig({}).ops(...args)
    expect(exitCode).toBe(2)
    expect(stderr).toBe(
      `Error: The processor "${plugin}" is not enabled.\nEnable it in the configuration: plugins: { ${plugin}: {} }`,
    )
  })

  it('lists no commands of other plugins', async () => {
    expect((await TestProject.withConfig({}).ops('--help')).stdout).not.toMatch(/^ {2}releases /m)
    expect((await TestProject.withConfig({ plugins: { deploy: {} } }).ops('--help')).stdout).toMatch(/^ {2}releases /m)
  })

  it('runs no row of another plugin, whose table is still there', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {} } })
    await project.ops('enqueue', 'exec', '--command', `touch ${project.path('ran')}`)
    project.write('ops.config.json', '{}')
    const { stdout } = await project.ops('worker', '--drain')
    expect(stdout).toContain('plugins: { exec: {} }')
    expect(project.value('select status from commands')).toBe('pending')
  })

  it('must name the plugins that a plugin needs', async () => {
    const { stdout, stderr, exitCode } = await TestProject.withConfig({ plugins: { deploy: {} } }).ops(
      'worker',
      '--drain',
    )
    expect(exitCode).toBe(78)
    expect(unwrapped(stdout + stderr)).toContain('needs the plugin "build", which is not enabled')
  })

  it('must enable the processor of a schedule', async () => {
    const schedules = { nightly: { cron: '0 3 * * *', enqueue: 'exec', with: { command: 'true' } } }
    const { stderr, exitCode } = await TestProject.withConfig({ schedules }).ops('schedules')
    expect(exitCode).toBe(78)
    expect(stderr).toContain('schedules.nightly.enqueue: The processor "exec" is not enabled.')
    expect(stderr).toContain('plugins: { exec: {} }')
  })
})

describe('a folder without a configuration', () => {
  it('has all bundled plugins', async () => {
    const { processors, disabled } = JSON.parse((await new TestProject().ops('processors', '--json')).stdout)
    expect(processors).toHaveLength(6)
    expect(disabled).toEqual([])
  })
})

describe('a plugin of another name', () => {
  it('replaces a bundled processor only where the configuration says so, which processors and doctor show', async () => {
    const project = TestProject.withConfig({ plugins: { exec: {} } })
    project.linkHere({
      name: 'ops-plugin-other',
      root: pluginPackage('exec', { manifest: { name: 'ops-plugin-other' } }),
    })
    const refused = await project.ops('processors')
    expect(unwrapped(refused.stdout)).toContain('it would replace that of @ops-cli/plugin-exec')
    expect(refused.stdout).toContain("pluginsReplace: ['exec']")
    expect(JSON.parse((await project.ops('processors', '--json')).stdout).replaced).toEqual([])

    project.write('ops.config.json', JSON.stringify({ plugins: { exec: {} }, pluginsReplace: ['exec'] }))
    expect((await project.ops('processors')).stdout).toContain(
      '"exec" is that of ops-plugin-other, not the bundled one.',
    )
    expect((await project.ops('doctor')).stdout).toMatch(/processor exec +that of ops-plugin-other/)
  })
})

describe('the configuration', () => {
  it('says when settings are for a name that is almost that of a bundled plugin', async () => {
    const project = TestProject.withConfig({ plugins: { exce: {} } })
    const { stderr } = await project.ops('tasks')
    expect(unwrapped(stderr)).toContain('settings for "exce", but no plugin has this name. Did you mean "exec"?')
  })
})

describe('pluginsAllow', () => {
  const isAllowed = (address: string, ...allowed: string[]) => {
    try {
      checkAllowed(parsePluginSource(address, '/'), { allowed, directory: '/srv' })
      return true
    } catch {
      return false
    }
  }

  it.each([
    ['git+https://github.com/acme/../evil/x.git', 'https://github.com/acme/*'],
    ['git+https://github.com/acme/%2e%2e/evil/x.git', 'git+https://github.com/acme/*'],
    ['https://cdn.acme.com/ok/..%2f..%2fevil.tgz', 'https://cdn.acme.com/ok/*'],
    ['https://evil.com/#.acme.com/x.tgz', 'https://*.acme.com/*'],
    ['https://evil.com/x.acme.com/x.tgz', 'https://*.acme.com/*'],
    ['https://github.com.evil.com/x.tgz', 'https://github.com/*'],
  ])('does not allow %s by %s', (address, pattern) => {
    expect(isAllowed(address, pattern)).toBe(false)
  })

  it.each([
    ['git+https://GitHub.com/acme/x.git', 'git+https://github.com/acme/*'],
    ['https://eu.acme.com/x.tgz', 'https://*.acme.com/*'],
    ['https://eu.acme.com/x.tgz', '*'],
    ['acme/x', 'git+https://github.com/acme/*'],
  ])('allows %s by %s', (address, pattern) => {
    expect(isAllowed(address, pattern)).toBe(true)
  })

  it.each([
    ['ops-plugin-a', 'https://registry.npmjs.org/ops-plugin-a/-/ops-plugin-a-1.0.0.tgz', true],
    ['ops-plugin-a', 'https://evil.com/x.tgz', false],
    ['ops-plugin-a', 'git+ssh://git@github.com/evil/x.git#1', false],
    ['acme/x', 'git+ssh://git@github.com/acme/x.git#0123', true],
    ['acme/x', 'git+ssh://git@github.com/evil/x.git#0123', false],
  ])('of %s in a lock file that takes it from %s: %s', (listed, address, isFine) => {
    const check = () => checkLocked(parsePluginSource(listed, '/'), { name: 'ops-plugin-a', address }, ['*'])
    if (isFine) check()
    else expect(check).toThrow(/^The lock file takes "ops-plugin-a" from /)
  })
})
