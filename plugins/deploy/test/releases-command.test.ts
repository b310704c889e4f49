import { expect, test } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import { unwrapped } from '../../../test/support/unwrapped.ts'

function projectWith(environments: object): TestProject {
  const project = new TestProject()
  project.write('ops.config.json', JSON.stringify({ plugins: { build: {}, deploy: { environments } } }))
  return project
}

test('ops releases creates nothing where there are no releases', async () => {
  const project = projectWith({ staging: { path: 'srv' } })
  const { stdout, exitCode } = await project.ops('releases', 'staging')
  expect({ stdout, exitCode }).toEqual({
    stdout: `No releases in staging (${project.path('srv')}).`,
    exitCode: 0,
  })
  expect(project.read('srv')).toBe('')
})

test('ops releases --json prints data', async () => {
  const project = projectWith({ staging: { path: 'srv' } })
  const about = { build: 3, ref: 'main', revision: 'abc', deployment: 5, at: '2026-01-02T03:04:05.000Z' }
  project.write('srv/releases/1/.ops-release/release.json', JSON.stringify(about))
  project.write('srv/releases/2.partial/file', '')
  const { stdout } = await project.ops('releases', 'staging', '--json')
  expect(JSON.parse(stdout)).toEqual({
    environment: 'staging',
    target: project.path('srv'),
    current: null,
    releases: [{ number: 1, state: 'unverified', ...about, reason: null }],
  })
})

test('ops releases suggests the environment that was probably meant', async () => {
  const { stderr, exitCode } = await projectWith({ staging: { path: 'srv' } }).ops('releases', 'stagin')
  expect(exitCode).toBe(2)
  expect(unwrapped(stderr)).toContain('Unknown environment "stagin". Did you mean "staging"?')
})

test('ops releases reports an unreachable host', async () => {
  const environments = { far: { path: '/srv', host: 'nobody@127.0.0.1', ssh: ['-p', '1', '-F', '/dev/null'] } }
  const { stderr, exitCode } = await projectWith(environments).ops('releases', 'far')
  expect(exitCode).toBe(1)
  expect(unwrapped(stderr)).toContain('cannot reach nobody@127.0.0.1 over ssh: connect to host 127.0.0.1 port 1')
})

test('ops --help lists the command, and ops releases --help explains it', async () => {
  const project = new TestProject()
  expect((await project.ops('--help')).stdout).toMatch(/^ {2}releases +List the releases/m)
  expect((await project.ops('releases', '--help')).stdout).toContain('$ ops releases ENVIRONMENT')
})
