import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { countingModule, packed, pluginPackage } from '../support/plugin-package.ts'
import { Registry } from '../support/registry.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const note = (version: string, module?: string) => pluginPackage('note', { version, ...(module && { module }) })

async function withRegistry(...versions: string[]): Promise<{ project: TestProject; registry: Registry }> {
  const registry = await Registry.start()
  for (const version of versions) await registry.publish(note(version))
  const project = TestProject.withConfig()
  project.env.npm_config_registry = registry.url
  return { project, registry }
}

async function versionOf(project: TestProject, name = 'ops-plugin-note'): Promise<string | undefined> {
  const { plugins } = JSON.parse((await project.ops('plugins', '--json')).stdout) as {
    plugins: Record<string, string>[]
  }
  return plugins.find((plugin) => plugin.name === name)?.version
}

describe('ops plugins update', () => {
  it.each([
    ['ops-plugin-note@1.0.0', '1.0.0'],
    ['ops-plugin-note@~1.0.0', '1.0.5'],
    ['ops-plugin-note@^1', '1.2.0'],
    ['ops-plugin-note', '2.0.0'],
    ['ops-plugin-note@latest', '2.0.0'],
  ])('updates %s to %s, and is then up to date', async (spec, newest) => {
    const { project, registry } = await withRegistry('1.0.0')
    await project.ops('plugins:install', spec)
    expect(await versionOf(project)).toBe('1.0.0')
    for (const version of ['1.0.5', '1.2.0', '2.0.0']) await registry.publish(note(version))
    const { stdout, stderr, exitCode } = await project.ops('plugins:update')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain(
      newest === '1.0.0' ? 'ops-plugin-note 1.0.0 is already up to date' : `${newest} (was 1.0.0) is installed`,
    )
    expect(await versionOf(project)).toBe(newest)
    const again = await project.ops('plugins:update', 'note')
    expect(again.stdout).toContain(`ops-plugin-note ${newest} is already up to date`)
    expect(await versionOf(project)).toBe(newest)
  })

  it('updates only the named plugin', async () => {
    const { project, registry } = await withRegistry('1.0.0')
    await registry.publish(pluginPackage('letter', { version: '1.0.0' }))
    await project.ops('plugins:install', 'ops-plugin-note', 'ops-plugin-letter')
    await registry.publish(note('1.1.0'))
    await registry.publish(pluginPackage('letter', { version: '1.1.0' }))
    await project.ops('plugins:update', 'letter')
    expect(await versionOf(project)).toBe('1.0.0')
    expect(await versionOf(project, 'ops-plugin-letter')).toBe('1.1.0')
  })

  it('reads a folder again', async () => {
    const project = TestProject.withConfig()
    cpSync(note('1.0.0'), project.path('note'), { recursive: true })
    await project.ops('plugins:install', './note', '--migrate')
    project.write('note/dist/note.js', countingModule('note', 'notes', '77'))
    await project.ops('plugins:update')
    await project.ops('enqueue', 'note', '--text', 'x')
    await project.ops('worker', '--drain')
    expect(project.value('select length from notes')).toBe(77)
  })

  it('skips a plugin whose tarball is gone, with a warning, and updates the others', async () => {
    const { project, registry } = await withRegistry('1.0.0')
    const tarball = await packed(pluginPackage('letter'))
    await project.ops('plugins:install', 'ops-plugin-note', tarball)
    rmSync(tarball)
    await registry.publish(note('1.1.0'))
    const { stdout, stderr, exitCode } = await project.ops('plugins:update')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('ops-plugin-note 1.1.0 (was 1.0.0) is installed')
    expect(unwrapped(stderr)).toContain(`Skipped ops-plugin-letter: ${tarball} does not exist any more.`)
    expect(await versionOf(project, 'ops-plugin-letter')).toBe('1.0.0')
    const named = await project.ops('plugins:update', 'letter')
    expect(named.exitCode).toBe(2)
    expect(unwrapped(named.stderr)).toContain(`${tarball} does not exist`)
  })

  it('keeps the version that works if the latest does not', async () => {
    const { project, registry } = await withRegistry('1.0.0')
    await project.ops('plugins:install', 'ops-plugin-note', '--migrate')
    await registry.publish(note('1.1.0', 'throw new Error("boom")'))
    const { stderr, exitCode } = await project.ops('plugins:update')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toMatch(/Kept ops-plugin-note 1\.0\.0, because 1\.1\.0 does not work: .*boom/)
    expect(await versionOf(project)).toBe('1.0.0')
  })

  it('changes nothing without the registry, and says so', async () => {
    const { project } = await withRegistry('1.0.0')
    await project.ops('plugins:install', 'ops-plugin-note')
    const lock = project.read('.ops/plugins/package-lock.json')
    project.env.npm_config_registry = 'http://127.0.0.1:1'
    const { stderr, exitCode } = await project.ops('plugins:update')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('the registry does not answer')
    expect(project.read('.ops/plugins/package-lock.json')).toBe(lock)
  })
})

describe('a second machine', () => {
  it('gets by the list and the lock file the versions of the first, though newer ones are out', async () => {
    const { project, registry } = await withRegistry('1.0.0')
    await project.ops('plugins:install', 'ops-plugin-note@^1', '--migrate')
    await registry.publish(note('1.1.0'))
    const second = TestProject.withConfig()
    second.env.npm_config_registry = registry.url
    mkdirSync(second.path('.ops/plugins'), { recursive: true })
    for (const name of ['package.json', 'package-lock.json'])
      cpSync(project.path(`.ops/plugins/${name}`), second.path(`.ops/plugins/${name}`))
    expect(await second.ops('plugins:install', '--migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await versionOf(second)).toBe('1.0.0')
    for (const name of ['package.json', 'package-lock.json'])
      expect(second.read(`.ops/plugins/${name}`)).toBe(project.read(`.ops/plugins/${name}`))
    // What was asked for came along too.
    await second.ops('plugins:update')
    expect(await versionOf(second)).toBe('1.1.0')
    expect(existsSync(second.path('.ops/plugins/.changing'))).toBe(false)
  })
})
