import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

const notRoot = process.getuid?.() === 0 ? undefined : 'only root can give files away'

/** A folder with a configuration that leaves a file behind when it is executed. */
function hostile(): TestProject {
  const project = new TestProject()
  project.env.OPS_DATA_DIR = undefined
  project.write(
    'shop/ops.config.mjs',
    `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(project.path('ran'))}, '')\nexport default {}\n`,
  )
  mkdirSync(project.path('shop/deep'))
  return project
}

const commands = [['--help'], ['tasks'], ['worker', '--drain'], ['enqueue', 'exec', '--help'], ['doctor'], ['plugins']]

async function runAll(project: TestProject, cwd = project.path('shop/deep')): Promise<string> {
  const results = []
  for (const args of commands) results.push(await project.opsWith({ cwd }, ...args))
  return results.map(({ stdout, stderr }) => unwrapped(stdout + stderr)).join('\n')
}

describe('a configuration that is found', () => {
  it.each([
    ['everyone can write', 'shop/ops.config.mjs', 0o666],
    ['is in a folder that everyone can write', 'shop', 0o777],
    ['is in a shared folder', 'shop', 0o1777],
    ['is below a folder that everyone can write', '.', 0o777],
  ])('that %s is not executed', async (_, name, mode) => {
    const project = hostile()
    chmodSync(project.path(name), mode)
    expect(await runAll(project)).toContain(
      `The configuration ${project.path('shop/ops.config.mjs')} is not used: everyone can write ${project.path(name).replace(/\/\.$/, '')}, and so run programs as you.`,
    )
    expect(existsSync(project.path('ran'))).toBe(false)
  })

  it.each(['shop/ops.config.mjs', 'shop', '.'])(
    'whose %s belongs to somebody else is not executed',
    unless(notRoot),
    async (name) => {
      const project = hostile()
      chownSync(project.path(name), 4321, 0)
      expect(await runAll(project)).toContain('belongs to the user 4321, who could run programs as you')
      expect(existsSync(project.path('ran'))).toBe(false)
    },
  )

  it('that is a link is looked at where it leads', async () => {
    const project = hostile()
    chmodSync(project.path('shop/ops.config.mjs'), 0o666)
    mkdirSync(project.path('mine'))
    symlinkSync('../shop/ops.config.mjs', project.path('mine/ops.config.mjs'))
    expect(await runAll(project, project.path('mine'))).toContain('is not used: everyone can write')
    expect(existsSync(project.path('ran'))).toBe(false)
  })

  it('below a sticky folder of root is used, and one that only its own group can write', async () => {
    const project = hostile()
    chmodSync(project.path('.'), 0o1777)
    chmodSync(project.path('shop/ops.config.mjs'), 0o664)
    const { stderr } = await project.opsWith({ cwd: project.path('shop') }, 'tasks')
    expect(stderr).not.toContain('is not used')
    expect(existsSync(project.path('ran'))).toBe(true)
  })

  it('is used all the same where it or its folder is named', async () => {
    for (const [args, env] of [
      [['--config', '../ops.config.mjs'], {}],
      [[], { OPS_CONFIG: '../ops.config.mjs' }],
      [[], { OPS_TRUST_DIRECTORY: '/nowhere:PROJECT' }],
      [[], { OPS_TRUST_DIRECTORY: '*' }],
    ] as const) {
      const project = hostile()
      chmodSync(project.path('shop'), 0o777)
      const trusted = Object.entries(env).map(([name, value]) => [name, value.replace('PROJECT', project.path('shop'))])
      await project.opsWith({ cwd: project.path('shop/deep'), env: Object.fromEntries(trusted) }, 'schedules', ...args)
      expect(existsSync(project.path('ran'))).toBe(true)
    }
  })
})

describe('a folder of plugins that is found', () => {
  it('is not used where everyone can write it', async () => {
    const project = TestProject.withConfig()
    const module = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(project.path('ran'))}, '')\n`
    project.linkHere({ name: 'ops-plugin-note', root: pluginPackage('note', { module }) })
    chmodSync(project.path('.ops/plugins'), 0o777)
    const { stderr, exitCode } = await project.ops('processors')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('The plugin folder')
    expect(existsSync(project.path('ran'))).toBe(false)
  })
})

describe('a state folder that is found', () => {
  it('is not used where everyone can write it, since its tasks would run', async () => {
    const project = new TestProject()
    await project.ops('enqueue', 'exec', '--command', `touch ${project.path('ran')}`)
    chmodSync(project.path('.ops'), 0o777)
    const { stderr, exitCode } = await project.ops('worker', '--drain')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain(`The state folder ${project.path('.ops')} is not used: everyone can write`)
    expect(existsSync(project.path('ran'))).toBe(false)
  })
})
