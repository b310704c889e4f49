import { describe, expect, test } from 'vitest'
import { settings } from '../src/settings.ts'

const check = async (value: unknown) => settings['~standard'].validate(value)

async function problemsOf(value: unknown): Promise<readonly string[]> {
  const { issues = [] } = await check(value)
  return issues.map(({ message, path = [] }) => {
    const where = path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.')
    return where === '' ? message : `${where}: ${message}`
  })
}

describe('the settings of deploy', () => {
  test('may be left out', async () => {
    expect(await check(undefined)).toMatchObject({ value: { environments: {}, timeout: '30m' } })
  })

  test('need no more of an environment than its path', async () => {
    expect(await check({ environments: { staging: { path: 'srv/staging' } } })).toMatchObject({
      value: {
        environments: {
          staging: { path: 'srv/staging', ssh: [], shared: [], before: [], after: [], keep: 5, env: {} },
        },
      },
    })
  })

  test('take one command or several, and durations as text', async () => {
    const staging = {
      path: '/srv',
      before: 'one',
      after: ['two', 'three'],
      health: { url: 'http://a/', interval: '0.5s' },
    }
    expect(await check({ environments: { staging } })).toMatchObject({
      value: {
        environments: {
          staging: { before: ['one'], after: ['two', 'three'], health: { timeout: 30_000, interval: 500 } },
        },
      },
    })
  })

  test('are told whole when they are wrong, every problem with its place', async () => {
    const environments = {
      a: { path: '', shared: ['../x', '/etc'], before: 1, keep: 0, health: { timeout: 3 }, env: { 'A-B': 'x', C: 1 } },
      b: { host: '-oProxyCommand=x', path: 'relative' },
      c: { path: '/srv', healt: {} },
      'd e': { path: '/srv' },
      f: { path: 'relative', host: 'deploy@example.com', health: {} },
    }
    expect(await problemsOf({ environments, timeout: 30 })).toEqual([
      'environments.a.path: must not be empty',
      'environments.a.shared.0: must be a path inside the release, such as "uploads/" or ".env"',
      'environments.a.shared.1: must be a path inside the release, such as "uploads/" or ".env"',
      'environments.a.before: must be a command such as "npm ci", or a list of commands',
      'environments.a.health.timeout: must be a duration such as 500ms, 30s or 10m',
      'environments.a.keep: must be at least 1',
      'environments.a.env.A-B: must be the name of a variable',
      'environments.a.env.C: must be a text',
      'environments.b.host: must be a host such as "deploy@example.com"',
      'environments.b.path: must be absolute, since it is on another machine',
      'environments.c.healt: is not a setting of an environment; use path, host, ssh, knownHosts, shared, before, after, health, keep, env',
      'environments.d e: must be a name of letters, digits, dots, dashes and underscores',
      'environments.f.health: must have either "url" or "command"',
      'environments.f.path: must be absolute, since it is on another machine',
      'timeout: must be a duration such as 500ms, 30s or 10m',
    ])
  })

  test('name what they are, where they are no object', async () => {
    expect(await problemsOf('staging')).toEqual(['must be an object with settings of deploy, not "staging"'])
    expect(await problemsOf({ environments: { a: '/srv' } })).toEqual([
      'environments.a: must be an object with settings of an environment, not "/srv"',
    ])
    expect(await problemsOf({ environments: { a: {} } })).toEqual([
      'environments.a.path: is missing from an environment',
    ])
  })
})
