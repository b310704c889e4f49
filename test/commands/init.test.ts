import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { renderConfig } from '../../src/scaffold/render-config.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

describe('ops init', () => {
  it('creates a configuration from a Procfile, and its services run', async () => {
    const project = new TestProject()
    project.write('Procfile', 'web: echo "port $PORT of $WHO"\nworker: echo "it\'s mine"\n')
    project.write('.env', 'WHO=me\n')
    project.write('.gitignore', 'node_modules')
    const { stdout, exitCode } = await project.ops('init')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Created ops.config.ts with the services of Procfile: web, app-worker.')
    expect(project.read('.gitignore')).toBe('node_modules\n.ops/*\n!.ops/plugins/\n')
    const run = await project.ops('start-services', 'web', 'app-worker')
    expect(run.stdout).toMatch(/web +\| port 5000 of me\n/)
    expect(run.stdout).toContain("app-worker | it's mine\n")
    expect(run.exitCode).toBe(0)
  })

  it('creates an example if nothing is declared, which runs as it is', async () => {
    const project = new TestProject()
    expect((await project.ops('init')).stdout).toContain('Created ops.config.ts with an example to fill in.')
    expect(existsSync(project.path('.gitignore'))).toBe(false)
    const ops = project.start('start-services')
    await ops.says('polling')
  })

  it('creates a file that Node can read beside a CommonJS package.json', async () => {
    const project = new TestProject()
    project.write('package.json', '{ "type": "commonjs", "scripts": { "start": "echo it runs" } }')
    expect(JSON.parse((await project.ops('init', '--json')).stdout)).toMatchObject({
      file: 'ops.config.mts',
      source: 'package.json',
      services: ['app'],
    })
    expect((await project.ops('start-services', 'app')).stdout).toMatch(/app +\| it runs/)
  })

  it('replaces a configuration only with --force, and keeps the old one', async () => {
    const project = new TestProject()
    project.write('ops.config.json', '{ "name": "mine" }')
    const refused = await project.ops('init')
    expect(refused.exitCode).toBe(1)
    expect(unwrapped(refused.stderr)).toContain('ops.config.json already exists.')
    expect(existsSync(project.path('ops.config.ts'))).toBe(false)
    expect((await project.ops('init', '--force')).exitCode).toBe(0)
    expect(project.read('ops.config.json.old')).toBe('{ "name": "mine" }')
    expect(existsSync(project.path('ops.config.json'))).toBe(false)
  })

  it('imports the named file, and writes nothing if it cannot be read', async () => {
    const project = new TestProject()
    project.write('Procfile', 'web: x')
    project.write('compose.yaml', 'services: { api: { command: y } }')
    project.write('broken.yaml', 'services: [')
    project.write('ecosystem.config.cjs', 'module.exports = { apps: [{ script: "a.js" }] }')
    for (const [file, complaint] of [
      ['missing', 'Cannot read missing: no such file or directory.'],
      ['broken.yaml', 'Cannot read broken.yaml: '],
    ] as const) {
      const { exitCode, stderr } = await project.ops('init', '--from', file)
      expect([exitCode, unwrapped(stderr)]).toEqual([1, expect.stringContaining(complaint)])
    }
    expect(existsSync(project.path('ops.config.ts'))).toBe(false)
    expect((await project.ops('init', '--from', 'compose.yaml')).stdout).toContain('the service of compose.yaml: api.')
    const pm2 = await project.ops('init', '--from', 'ecosystem.config.cjs', '--force')
    expect(pm2.stdout).toContain('the service of ecosystem.config.cjs: a.')
  })

  it('writes every value so that it reads back unchanged', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 150 })
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(text, { maxLength: 3 }),
        fc.integer({ min: 1, max: 65_535 }),
        async (env, command, port) => {
          const written = { command: ['node', ...command], env: { VALUE: env.replaceAll('\0', '') }, port }
          // A file is imported once only under its name.
          const project = new TestProject()
          project.write('ops.config.ts', renderConfig({ name: 'x', source: 'Procfile', services: { api: written } }))
          const { config } = await loadConfig({ cwd: project.directory, env: {} })
          expect(config.services?.api).toEqual(written)
        },
      ),
      { numRuns: 50, seed: 1 },
    )
  })
})
