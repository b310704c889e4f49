import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const refused = {
  name: 'shop',
  services: {
    api: { command: 'node api.js', port: 3000, ready: { http: '/' } },
    web: { command: 'node web.js', dependsOn: { api: 'started' } },
  },
} as const

describe('ops doctor --parity', () => {
  it('shows each field of a service, the services that use it, and the support on both sides', async () => {
    const { services } = refused
    const project = TestProject.withConfig({ services: { api: services.api, web: { command: 'node web.js' } } })
    const { stdout, exitCode } = await project.ops('doctor', '--parity')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^field +used by +in development +by systemd$/m)
    expect(stdout).toMatch(/^command +api, web +a string runs in a shell/m)
    expect(stdout).toMatch(/^stopTimeout +10s by default, then SIGKILL +the same \(TimeoutStopSec=\)$/m)
    const { fields, problems } = JSON.parse((await project.ops('doctor', '--parity', '--json')).stdout)
    expect(problems).toEqual([])
    expect(fields).toContainEqual({
      field: 'ready.http',
      services: ['api'],
      development: expect.any(String),
      systemd: expect.any(String),
    })
  })

  it('exits 1 if the project uses an unsupported field, which install-systemd refuses', async () => {
    const project = TestProject.withConfig(refused)
    const said = 'services.web.dependsOn.api: systemd waits until the "ready" of "api" answers'
    const { stdout, exitCode } = await project.ops('doctor', '--parity')
    expect(exitCode).toBe(1)
    expect(stdout).toContain(said)
    expect((await project.ops('doctor')).stdout).toMatch(/^problem +parity +services\.web\.dependsOn\.api: /m)
    for (const flag of ['--dry-run', '--check', '--explain']) {
      const installed = await project.ops('install-systemd', flag)
      expect(installed.exitCode).toBe(78)
      expect(unwrapped(installed.stderr)).toContain(said)
    }
  })

  it('names a variable that systemd ignores', async () => {
    const project = TestProject.withConfig({
      services: { api: { command: 'node api.js', env: { ODD: '\ufffe' }, envFile: '.env' } },
    })
    project.write('.env', 'OTHER="\uffff"\n')
    const { exitCode, stderr } = await project.ops('install-systemd', '--dry-run')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('services.api.env.ODD: systemd ignores the variable "ODD"')
    expect(unwrapped(stderr)).toContain('services.api.envFile: systemd ignores the variable "OTHER"')
  })
})
