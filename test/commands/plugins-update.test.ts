import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { packed, pluginPackage } from '../support/plugin-package.ts'
import { Registry } from '../support/registry.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const note = (version: string) => pluginPackage('note', { version })

describe('ops plugins update', () => {
  it('updates plugins of the user outside a project, and returns the changes with --json', async () => {
    const registry = await Registry.start()
    await registry.publish(note('1.0.0'))
    const user = new TestProject()
    user.env.OPS_DATA_DIR = undefined
    user.env.npm_config_registry = registry.url
    await registry.publish(pluginPackage('letter'))
    const tarball = await packed(pluginPackage('card'))
    await user.ops('plugins:install', 'ops-plugin-note', 'ops-plugin-letter', tarball)
    await registry.publish(note('1.1.0'))
    rmSync(tarball)
    const { stdout, exitCode } = await user.ops('plugins:update', '--json')
    expect(exitCode).toBe(0)
    const update = JSON.parse(stdout)
    expect(update).toMatchObject({
      folder: { scope: 'user', path: `${user.env.HOME}/.local/share/ops` },
      unchanged: ['ops-plugin-letter'],
      skipped: [{ name: 'ops-plugin-card', path: tarball }],
      skippedScripts: [],
    })
    expect(update.plugins).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'ops-plugin-note', version: '1.1.0', previousVersion: '1.0.0' }),
        expect.objectContaining({ name: 'ops-plugin-letter', version: '1.0.0', previousVersion: '1.0.0' }),
      ]),
    )
    expect(update.plugins).toHaveLength(2)
  })

  it.each([
    ['an unknown plugin', ['nothing'], 'No plugin named "nothing" is installed.'],
    ['a linked plugin', ['letter'], 'No plugin named "letter" is installed.'],
  ])('refuses %s with 2', async (_, names, problem) => {
    const project = TestProject.withConfig()
    project.placeHere(note('1.0.0'))
    await project.ops('plugins:link', pluginPackage('letter'))
    const { stderr, exitCode } = await project.ops('plugins:update', ...names)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(problem)
  })

  it('has nothing to do if no plugin is installed', async () => {
    const { stderr, exitCode } = await TestProject.withConfig().ops('plugins:update')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('No plugins are listed in')
  })
})
