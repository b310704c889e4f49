import { describe, expect, test } from 'vitest'
import { problemsOf } from '../../../test/support/problems-of.ts'
import { settings } from '../src/settings.ts'

const check = async (value: unknown) => settings['~standard'].validate(value)

describe('the settings of deploy', () => {
  test('are optional', async () => {
    expect(await check(undefined)).toMatchObject({ value: { environments: {}, timeout: '30m' } })
  })

  test('require only the path of an environment', async () => {
    expect(await check({ environments: { staging: { path: 'srv/staging' } } })).toMatchObject({
      value: {
        environments: {
          staging: { path: 'srv/staging', ssh: [], shared: [], before: [], after: [], keep: 5, env: {} },
        },
      },
    })
  })

  test('accept one command or several, and durations', async () => {
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

  test('report every problem with its path', async () => {
    const environments = {
      a: { path: '', shared: ['../x', '/etc'], before: 1, keep: 0, health: { timeout: 3 }, env: { 'A-B': 'x', C: 1 } },
      b: { host: '-oProxyCommand=x', path: 'relative' },
      c: { path: '/srv', healt: {} },
      'd e': { path: '/srv' },
      f: { path: 'relative', host: 'deploy@example.com', health: {} },
    }
    expect(await problemsOf(settings, { environments, timeout: 30 })).toEqual([
      'environments.a.path: expected a string such as "/srv/shop", got ""',
      'environments.a.shared.0: expected a path inside the release such as "uploads/" or ".env", got "../x"',
      'environments.a.shared.1: expected a path inside the release such as "uploads/" or ".env", got "/etc"',
      'environments.a.before: expected a command such as "npm ci", or a list of commands, got 1',
      'environments.a.health.timeout: expected a duration such as "500ms", "30s" or "10m", got 3',
      'environments.a.keep: expected a whole number of 1 or more, got 0',
      'environments.a.env.A-B: expected the name of a variable, got "A-B"',
      'environments.a.env.C: expected a string, got 1',
      'environments.b.host: expected a host such as "deploy@example.com", got "-oProxyCommand=x"',
      'environments.b.path: expected an absolute path, because it is on another machine',
      'environments.c.healt: unknown key, did you mean "health"?',
      'environments.d e: expected a name of letters, digits, dots, dashes and underscores, got "d e"',
      'environments.f.health: expected either "url" or "command"',
      'environments.f.path: expected an absolute path, because it is on another machine',
      'timeout: expected a duration such as "500ms", "30s" or "10m", got 30',
    ])
  })

  test('must be objects', async () => {
    expect(await problemsOf(settings, 'staging')).toEqual(['expected an object, got "staging"'])
    expect(await problemsOf(settings, { environments: { a: '/srv' } })).toEqual([
      'environments.a: expected an object, got "/srv"',
    ])
    expect(await problemsOf(settings, { environments: { a: {} } })).toEqual(['environments.a.path: is missing'])
  })
})
