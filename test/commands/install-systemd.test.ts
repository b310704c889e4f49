import { readdirSync, readFileSync } from 'node:fs'
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

describe('ops install-systemd, without a systemd', () => {
  it('shows with --dry-run the plan and the units, and touches nothing', async () => {
    const project = shop()
    const before = readdirSync(project.directory, { recursive: true })
    const { stdout, stderr, exitCode } = await project.ops('install-systemd', '--dry-run')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^create {2}\/etc\/systemd\/system\/shop-api\.service$/m)
    expect(stdout).toMatch(/^start {3}shop-worker@1\.service/m)
    expect(stdout).toMatch(/^ExecStart=:".+\/node" ".+run\.js" "worker"$/m)
    expect(unwrapped(stderr)).toContain('There is no user "shop"')
    // The project of a test is in the temporary folder, of which each unit has one of its own.
    if (/^(\/var)?\/tmp\//.test(project.directory)) expect(unwrapped(stderr)).toContain('and would not be seen: put it')
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
    expect((await project.opsWith({ env }, 'install-systemd', '--prefix', root)).exitCode).toBe(0)
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const holding = files.filter(({ parentPath, name }) =>
      readFileSync(join(parentPath, name), 'utf8').includes('sesame'),
    )
    expect(holding.map(({ name }) => name).sort()).toEqual(['api.env', 'migrate.env', 'worker.env'])
  })

  it('opens folders of the project by their names from there', async () => {
    const project = shop({ worker: { allow: { writePaths: ['out', '/srv/www'] } } })
    const { stdout } = await project.ops('install-systemd', '--dry-run')
    expect(stdout).toContain(`ReadWritePaths="-${project.path('out')}" "-/srv/www"`)
  })

  it('finds a program by the PATH that the service itself has', async () => {
    const project = shop({ services: { api: { command: 'serve', env: { PATH: '/opt/shop/bin:/usr/bin' } } } })
    const { stdout, stderr } = await project.ops('install-systemd', '--dry-run')
    expect(stdout).toContain('ExecStart=:"/usr/bin/env" "serve"')
    expect(unwrapped(stderr)).toContain('services.api: there is no program "serve" here')
  })

  it(
    'refuses what exceeds the budget of exposure, and says what it is spent on',
    unless(missingProgram('systemd-analyze')),
    async () => {
      const open = { worker: { allow: { capabilities: ['CAP_SYS_ADMIN', 'CAP_CHOWN', 'CAP_SETUID'] } } }
      const project = shop(open)
      const { stderr } = await project.ops('install-systemd', '--dry-run')
      expect(unwrapped(stderr)).toMatch(
        /shop-worker@\.service would be exposed by [\d.]+, and 1\.5 is allowed \(systemd\.maxExposure\.worker\)\. It is opened by allow\.capabilities: CAP_SYS_ADMIN, CAP_CHOWN, CAP_SETUID\. Most of it: /,
      )
      const generous = shop({ ...open, systemd: { maxExposure: { worker: 10 } } })
      expect((await generous.ops('install-systemd', '--dry-run')).stderr).not.toContain('would be exposed')
    },
  )

  it(
    'explains each directive, and what is left of the exposure',
    unless(missingProgram('systemd-analyze')),
    async () => {
      const { stdout } = await shop().ops('install-systemd', '--explain')
      expect(stdout).toMatch(/^ {2}KillMode=mixed\n {6}\S/m)
      expect(stdout).toMatch(/^ {2}exposure 1\.\d of 10; what is left:\n {4}0\.\d \S/m)
    },
  )

  it('says where a systemd is lacking what can be done without', async () => {
    const { stderr, exitCode } = await shop({ systemd: { user: 'root' } }).ops('install-systemd', '--user', '--yes')
    expect(exitCode).toBe(1)
    expect(unwrapped(stderr)).toContain('look at what would be installed: --dry-run')
    expect(unwrapped(stderr)).toContain('su and sudo begin no session')
  })
})
