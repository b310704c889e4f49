import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatCommand } from '../../src/format.ts'
import { packed, pluginPackage } from '../support/plugin-package.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const notes = () => pluginPackage('note')
const letters = () => pluginPackage('letter')

const installed = makeFolder()
afterAll(() => removeFolder(installed))

/** A project with both plugins: npm installs them once, and the folder is copied. */
async function withBoth(): Promise<TestProject> {
  const project = TestProject.withConfig()
  if (readdirSync(installed).length === 0) {
    const tarballs = [await packed(notes(), project.directory), await packed(letters(), project.directory)]
    await project.ops('plugins:install', ...tarballs, '--migrate')
    cpSync(project.directory, installed, { recursive: true })
  } else cpSync(installed, project.directory, { recursive: true })
  return project
}

const listOf = (project: TestProject) => JSON.parse(project.read('.ops/plugins/package.json'))

describe('ops plugins uninstall', () => {
  it('removes only the named plugin, and prints what stays in the database', async () => {
    const project = await withBoth()
    const { stdout, stderr, exitCode } = await project.ops('plugins:uninstall', 'note')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe('Uninstalled ops-plugin-note.\n  kept in the database: notes')
    expect(existsSync(project.path('.ops/plugins/node_modules/ops-plugin-note'))).toBe(false)
    expect(project.read('.ops/plugins/package-lock.json')).not.toContain('ops-plugin-note')
    const { dependencies, oclif } = listOf(project)
    expect(Object.keys(dependencies)).toEqual(['ops-plugin-letter'])
    expect(oclif.plugins).toMatchObject([{ name: 'ops-plugin-letter' }])
    expect(project.value('select count(*) from notes')).toBe(0)
    await project.ops('enqueue', 'letter', '--text', 'four')
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.value('select length from letters')).toBe(4)
  })

  it('warns about pending tasks, and the printed command runs them', async () => {
    const project = await withBoth()
    for (const text of ['a', 'bb']) await project.ops('enqueue', 'note', '--text', text)
    await project.ops('enqueue', 'letter', '--text', 'c')
    const { stderr, exitCode } = await project.ops('plugins:uninstall', 'ops-plugin-note')
    expect(exitCode).toBe(0)
    const told = unwrapped(stderr)
    expect(told).toContain('No processor for 2 pending tasks in "notes".')
    const back = /Try: ops plugins (install) (?:'(.+?\.tgz)'|(\S+))/.exec(told)!
    // Later commands say it again.
    const worker = await project.ops('worker', '--drain')
    expect(worker.exitCode).toBe(0)
    const waiting = 'No processor for 2 pending tasks in "notes".'
    expect(worker.stdout.replaceAll('\\"', '"')).toContain(waiting)
    expect(unwrapped((await project.ops('tasks')).stderr)).toContain(waiting)
    expect(project.rows('select status from notes')).toEqual([{ status: 'pending' }, { status: 'pending' }])
    expect(await project.ops('plugins', back[1]!, back[2] ?? back[3]!)).toMatchObject({ exitCode: 0, stderr: '' })
    await project.ops('worker', '--drain')
    expect(project.rows('select length from notes where status = ?', 'succeeded')).toEqual([
      { length: 1 },
      { length: 2 },
    ])
  })

  it('warns for a linked plugin, too, even if its folder is gone', async () => {
    const project = TestProject.withConfig()
    const root = notes()
    await project.ops('plugins:link', root, '--migrate')
    await project.ops('enqueue', 'note', '--text', 'a')
    rmSync(root, { recursive: true })
    const { stderr, stdout } = await project.ops('plugins:unlink', 'note')
    expect(unwrapped(stderr)).toContain('No processor for 1 pending task in "notes".')
    expect(unwrapped(stderr)).toContain(`Try: ${formatCommand('ops', 'plugins', 'link', root)}`)
    expect(stdout).toContain('kept in the database: notes')
  })

  it('returns the same with --json', async () => {
    const project = await withBoth()
    await project.ops('enqueue', 'note', '--text', 'a')
    const { plugins } = JSON.parse((await project.ops('plugins:uninstall', 'note', 'letter', '--json')).stdout)
    expect(plugins).toEqual([
      {
        name: 'ops-plugin-note',
        isBundled: false,
        reinstallCommand: expect.stringMatching(/^ops plugins install '?\/.*\.tgz'?$/),
        tables: ['notes'],
        pending: [{ table: 'notes', count: 1 }],
        problem: null,
      },
      expect.objectContaining({ name: 'ops-plugin-letter', tables: ['letters'], pending: [] }),
    ])
    expect(listOf(project)).toMatchObject({ oclif: { plugins: [] } })
    expect(existsSync(project.path('.ops/plugins/tarballs'))).toBe(false)
  })

  it('removes all of several plugins, or none', async () => {
    const project = await withBoth()
    const { exitCode } = await project.ops('plugins:uninstall', 'note', 'nothing')
    expect(exitCode).toBe(2)
    expect(existsSync(project.path('.ops/plugins/node_modules/ops-plugin-note'))).toBe(true)
    expect(listOf(project).oclif.plugins).toHaveLength(2)
  })

  it('works for a broken plugin and with a broken configuration', async () => {
    const project = await withBoth()
    project.write('.ops/plugins/node_modules/ops-plugin-note/dist/note.js', 'throw new Error("boom")')
    project.write('ops.config.json', '{ "nonsense": ')
    const { stdout, stderr, exitCode } = await project.ops('plugins:uninstall', 'note')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Uninstalled ops-plugin-note.\n  kept in the database: notes')
    expect(unwrapped(stderr)).toContain('Cannot check for pending tasks: ')
    expect(existsSync(project.path('.ops/plugins/node_modules/ops-plugin-note'))).toBe(false)
  })

  it('uninstalls plugins of the user outside a project', async () => {
    const project = new TestProject()
    project.env.OPS_DATA_DIR = undefined
    await project.ops('plugins:install', await packed(notes()))
    const folder = join(project.env.HOME!, '.local/share/ops')
    expect(existsSync(join(folder, 'node_modules/ops-plugin-note'))).toBe(true)
    expect((await project.ops('plugins:uninstall', 'note')).stdout).toContain('Uninstalled ops-plugin-note.')
    expect(existsSync(join(folder, 'node_modules/ops-plugin-note'))).toBe(false)
  })
})
