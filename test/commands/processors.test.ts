import { describe, expect, it } from 'vitest'
import { pluginPackage } from '../support/plugin-package.ts'
import { everyPlugin, TestProject } from '../support/test-project.ts'

describe('ops processors', () => {
  it('lists processors by priority', async () => {
    const { stdout, stderr, exitCode } = await TestProject.withConfig({ plugins: everyPlugin }).ops('processors')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const [head, ...lines] = stdout.split('\n').map((line) => line.split(/ {2,}/))
    expect(head).toEqual(['processor', 'plugin', 'version', 'source', 'table', 'priority', 'at once'])
    expect(lines.map(([name, , , source, table, priority, atOnce]) => [name, source, table, priority, atOnce])).toEqual(
      [
        ['build', 'bundled', 'builds', '10', 'one'],
        ['deploy', 'bundled', 'deployments', '20', 'one for each environment'],
        ['rollback', 'bundled', 'rollbacks', '20', 'one for each environment'],
        ['exec', 'bundled', 'commands', '100', 'any number'],
        ['export', 'bundled', 'exports', '100', 'any number'],
        ['import', 'bundled', 'imports', '100', 'any number'],
      ],
    )
  })

  it('lists a broken processor with the reason and what to do, and exits 0', async () => {
    const project = TestProject.withConfig()
    await project.ops('plugins:link', pluginPackage('note', { module: 'throw new Error("boom")' }))
    const { stdout, stderr, exitCode } = await project.ops('processors')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^note +ops-plugin-note +1\.0\.0 +linked +– +– +broken$/m)
    expect(stdout).toMatch(
      /\n\nError: The processor "note" of ops-plugin-note@1\.0\.0 cannot be loaded: .*boom\.\nFix the plugin\./,
    )
    const { processors, problems } = JSON.parse((await project.ops('processors', '--json')).stdout)
    expect(problems).toEqual([])
    expect(processors).toHaveLength(1)
    expect(processors.at(-1)).toEqual({
      name: 'note',
      plugin: 'ops-plugin-note',
      version: '1.0.0',
      source: 'linked',
      summary: null,
      table: null,
      priority: null,
      exclusiveBy: null,
      exclusive: false,
      state: 'broken',
      problem: {
        code: 'BROKEN_PROCESSOR',
        severity: 'error',
        where: 'note',
        message: expect.stringContaining('boom'),
        suggestions: ['fix the plugin', 'remove the plugin: ops plugins unlink ops-plugin-note'],
      },
    })
  })
})
