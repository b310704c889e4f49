import { describe, expect, it } from 'vitest'
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
