import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundledPlugins } from '../../src/plugins/find-plugins.ts'
import { openProject } from '../../src/project/open-project.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function open(env: Record<string, string>) {
  const cwd = temporaryFolder()
  return { cwd, project: await openProject({ cwd, env, plugins: bundledPlugins() }) }
}

describe('a project', () => {
  it('keeps its state in .ops, and opening it creates nothing', async () => {
    const { cwd, project } = await open({})
    expect(project.stateDirectory).toBe(join(cwd, '.ops'))
    expect(project.queue.name).toBe(join(cwd, '.ops', 'ops.db'))
    expect(existsSync(join(cwd, '.ops'))).toBe(false)
  })

  it.each([
    [{ STATE_DIRECTORY: '/var/lib/shop' }, '/var/lib/shop'],
    [{ STATE_DIRECTORY: '/var/lib/shop:/var/lib/more' }, '/var/lib/shop'],
    [{ STATE_DIRECTORY: '/var/lib/shop', OPS_HOME: '/srv/state' }, '/srv/state'],
  ])('keeps its state in the folder of %j', async (env, stateDirectory) => {
    const { project } = await open(env)
    expect(project.stateDirectory).toBe(stateDirectory)
    expect(project.queue.name).toBe(join(stateDirectory, 'ops.db'))
  })

  it('refuses an unsupported database without showing its password', async () => {
    const opening = open({ OPS_DATABASE_URL: 'mysql://root:geheim@db/x' })
    await expect(opening).rejects.toMatchObject({ code: 'UNKNOWN_DATABASE', oclif: { exit: 78 } })
    await expect(opening).rejects.not.toThrow('geheim')
  })

  it('imports a processor only once', async () => {
    const { project } = await open({})
    expect(await project.processor('build')).toBe(await project.processor('build'))
    expect(() => project.processor('biuld')).toThrow('Unknown processor "biuld".')
  })
})
