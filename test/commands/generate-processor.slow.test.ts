import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { linkModules } from '../support/link-modules.ts'
import { npmProgram } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'

const root = dirname(dirname(import.meta.dirname))

/** What `npm install` does in the plugin, without the registry. */
function installInto(plugin: string): void {
  linkModules(plugin, ['@types/node', 'typescript', 'drizzle-kit', '.bin/tsc'])
  mkdirSync(join(plugin, 'node_modules', '@ops-cli'))
  symlinkSync(root, join(plugin, 'node_modules', '@ops-cli', 'core'))
}

async function npmIn(cwd: string, ...args: string[]) {
  const env = { npm_config_update_notifier: 'false', npm_config_logs_max: '0' }
  return execa(process.execPath, [npmProgram, ...args], { cwd, env, reject: false })
}

describe('ops generate processor', () => {
  it('creates a plugin that can be tested, linked, changed, packed and installed', async () => {
    const project = TestProject.withConfig()
    const columns = [
      'recipient:text!',
      'size:enumeration:small,large!',
      'sentAt:timestamp',
      'meta:json',
      'urgent:boolean',
    ]
    const asked = ['--column', ...columns, '--exclusive-by', 'recipient', '--priority', '30']
    const generated = await project.ops('generate', 'processor', 'send-mail', ...asked, '--dir', 'plugins')
    expect(generated).toMatchObject({ exitCode: 0, stderr: '' })
    expect(generated.stdout.split('\n').slice(-4)).toEqual([
      'Next: (cd plugins/ops-plugin-send-mail && npm install && npm test)',
      '      ops plugins link plugins/ops-plugin-send-mail --migrate',
      '      ops enqueue send-mail --recipient example --size small',
      '      ops worker --drain',
    ])
    const plugin = project.path('plugins/ops-plugin-send-mail')
    installInto(plugin)
    expect(await npmIn(plugin, 'test')).toMatchObject({ exitCode: 0 })

    const linked = await project.ops('plugins:link', 'plugins/ops-plugin-send-mail', '--migrate')
    expect(linked).toMatchObject({ exitCode: 0, stderr: '' })
    expect(linked.stdout).toContain(
      'processor send-mail, table send_mails, priority 30, one for each recipient at once',
    )
    await project.ops('enqueue', 'send-mail', '--recipient', 'ada', '--size', 'large', '--urgent')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, error, recipient, size, urgent from send_mails')).toEqual([
      { status: 'succeeded', error: null, recipient: 'ada', size: 'large', urgent: 1 },
    ])

    const nothing = await project.opsWith({ cwd: plugin }, 'generate', 'migration')
    expect(nothing.stdout).toBe('No changes in the tables of ops-plugin-send-mail since its last migration.')
    const module = project.read('plugins/ops-plugin-send-mail/src/send-mail.ts')
    const changed = module.replace(
      'urgent: column.boolean(),',
      'urgent: column.boolean(),\n  copies: column.integer(),',
    )
    project.write('plugins/ops-plugin-send-mail/src/send-mail.ts', changed)
    expect((await npmIn(plugin, 'test')).stdout).toContain('The migrations create "send_mails" without copies')
    expect(await project.opsWith({ cwd: plugin }, 'generate', 'migration', 'add_copies')).toMatchObject({ exitCode: 0 })
    expect(await npmIn(plugin, 'test')).toMatchObject({ exitCode: 0 })

    const packed = await npmIn(plugin, 'pack')
    expect(packed).toMatchObject({ exitCode: 0 })
    const other = TestProject.withConfig()
    const tarball = join(plugin, 'ops-plugin-send-mail-0.1.0.tgz')
    expect(await other.ops('plugins:install', tarball, '--migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    await other.ops('enqueue', 'send-mail', '--recipient', 'ada', '--size', 'large', '--copies', '2')
    await other.ops('worker', '--drain')
    expect(other.rows('select status, error, copies from send_mails')).toEqual([
      { status: 'succeeded', error: null, copies: 2 },
    ])
    const installed = other.path('.ops/plugins/node_modules/ops-plugin-send-mail')
    expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'migrations', 'package.json'])
    expect(readdirSync(join(installed, 'migrations/sqlite'))).toEqual(['0000_send_mails.sql', '0001_add_copies.sql'])
  })
})
