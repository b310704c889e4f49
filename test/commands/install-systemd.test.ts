import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { TestProject } from '../support/test-project.ts'
import { missingProgram, unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'

function shop(more: Config = {}): TestProject {
  return TestProject.withConfig({
    name: 'shop',
    services: { api: { command: 'node api.js', port: 3000, ready: { http: '/' } } },
    ...more,
  })
}

async function installedBelow(): Promise<{ project: TestProject; root: string }> {
  const project = shop()
  const root = project.path('server')
  // A node in a home, where the checkout may lie, has to be copied.
  const { exitCode, stderr } = await project.ops('install-systemd', '--prefix', root, '--copy-node')
  expect(exitCode, stderr).toBe(0)
  return { project, root }
}

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)

describe('ops install-systemd without systemd', () => {
  it('shows the plan and the units with --dry-run, and changes nothing', async () => {
    const project = shop()
    const before = readdirSync(project.directory, { recursive: true })
    const { stdout, stderr, exitCode } = await project.ops('install-systemd', '--dry-run')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^create {2}\/etc\/systemd\/system\/shop-api\.service$/m)
    expect(stdout).toMatch(/^start {3}shop-worker@1\.service/m)
    expect(stdout).toMatch(/^ExecStart=:".+\/node" ".+run\.js" "worker"$/m)
    expect(unwrapped(stderr)).toContain('User "shop" not found. Create it: --create-user')
    // The project of the test is in the temporary folder, and units have their own.
    if (/^(\/var)?\/tmp\//.test(project.directory))
      expect(unwrapped(stderr)).toContain('is in a temporary folder, which units cannot see')
    expect(readdirSync(project.directory, { recursive: true })).toEqual(before)
  })

  it('keeps the password of a database out of units, plan and screen', async () => {
    const project = shop()
    const env = { OPS_DATABASE_URL: 'postgres://ann:sesame@db.example/shop' }
    for (const flags of [['--dry-run'], ['--dry-run', '--json'], ['--explain']]) {
      const { stdout, stderr } = await project.opsWith({ env }, 'install-systemd', ...flags)
      expect(stdout + stderr).not.toContain('sesame')
    }
    const root = project.path('server')
    // A node in a home, where the checkout may lie, has to be copied.
    expect((await project.opsWith({ env }, 'install-systemd', '--prefix', root, '--copy-node')).exitCode).toBe(0)
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const holding = files.filter(({ parentPath, name }) =>
      readFileSync(join(parentPath, name), 'utf8').includes('sesame'),
    )
    expect(holding.map(({ name }) => name).sort()).toEqual(['api.env', 'migrate.env', 'worker.env'])
  })

  it('writes nothing with --dry-run, below a --prefix neither', async () => {
    const project = shop()
    const root = project.path('server')
    const { exitCode } = await project.ops('install-systemd', '--dry-run', '--prefix', root, '--copy-node')
    expect(exitCode).toBe(0)
    expect(existsSync(root)).toBe(false)
  })

  it('exits 1 with --check where it is not installed', async () => {
    const { stdout, exitCode } = await shop().ops('install-systemd', '--check', '--copy-node')
    expect(stdout).toBe('not installed')
    expect(exitCode).toBe(1)
  })

  it('writes units that all can read, and variables that only root and the group of the unit can', async () => {
    const { root } = await installedBelow()
    expect(modeOf(join(root, 'etc/systemd/system/shop-api.service'))).toBe('644')
    for (const name of ['api', 'migrate', 'worker']) expect(modeOf(join(root, `etc/ops/shop/${name}.env`))).toBe('640')
  })

  it('is undone by uninstall-systemd, which leaves what is not of ops', async () => {
    const { project, root } = await installedBelow()
    const units = join(root, 'etc/systemd/system')
    writeFileSync(join(units, 'shop-api.service'), '[Service]\nExecStart=/bin/true\n')
    writeFileSync(join(units, 'shop-other.service'), '[Service]\nExecStart=/bin/true\n')
    const { stderr, exitCode } = await project.ops('uninstall-systemd', '--prefix', root, '--yes')
    expect(exitCode).toBe(0)
    expect(unwrapped(stderr)).toContain('shop-api.service is no longer managed by ops, so it stays.')
    const left = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(left.map(({ name }) => name).sort()).toEqual(['shop-api.service', 'shop-other.service'])
  })

  it('takes writable folders relative to the project', async () => {
    const project = shop({ worker: { allow: { writePaths: ['out', '/srv/www'] } } })
    const { stdout } = await project.ops('install-systemd', '--dry-run')
    expect(stdout).toContain(`ReadWritePaths="-${project.path('out')}" "-/srv/www"`)
  })

  it('finds a program by the PATH of the service', async () => {
    const project = shop({ services: { api: { command: 'serve', env: { PATH: '/opt/shop/bin:/usr/bin' } } } })
    const { stdout, stderr } = await project.ops('install-systemd', '--dry-run')
    expect(stdout).toContain('ExecStart=:"/usr/bin/env" "serve"')
    expect(unwrapped(stderr)).toContain('services.api: program "serve" not found')
  })

  it(
    'refuses a unit whose exposure exceeds the limit, and says what it comes from',
    unless(missingProgram('systemd-analyze')),
    async () => {
      const open = { worker: { allow: { capabilities: ['CAP_SYS_ADMIN', 'CAP_CHOWN', 'CAP_SETUID'] } } }
      const project = shop(open)
      const { stderr } = await project.ops('install-systemd', '--dry-run')
      expect(unwrapped(stderr)).toMatch(
        /shop-worker@\.service has exposure [\d.]+; the limit is 1\.5 \(systemd\.maxExposure\.worker\)\. It has allow\.capabilities: CAP_SYS_ADMIN, CAP_CHOWN, CAP_SETUID\. Most of it: /,
      )
      const generous = shop({ ...open, systemd: { maxExposure: { worker: 10 } } })
      expect((await generous.ops('install-systemd', '--dry-run')).stderr).not.toContain('has exposure')
    },
  )

  it(
    'explains each directive, and what the exposure comes from',
    unless(missingProgram('systemd-analyze')),
    async () => {
      const { stdout } = await shop().ops('install-systemd', '--explain')
      expect(stdout).toMatch(/^ {2}KillMode=mixed\n {6}\S/m)
      expect(stdout).toMatch(/^ {2}exposure 1\.\d of 10, from:\n {4}0\.\d \S/m)
    },
  )

  it('suggests what works without systemd', async () => {
    const { stderr, exitCode } = await shop({ systemd: { user: 'root' } }).ops('install-systemd', '--user', '--yes')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('Show what would change: --dry-run')
    expect(unwrapped(stderr)).toContain('su and sudo start no session')
  })
})
