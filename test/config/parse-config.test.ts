import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse-config.ts'
import { problemLine } from '../../src/errors.ts'

const problemsOf = (value: unknown) => parseConfig(value).problems.map(problemLine)
const problemsOfServices = (services: unknown) => problemsOf({ services })

describe('a configuration', () => {
  it('may be empty', () => {
    expect(parseConfig({})).toEqual({ config: {}, problems: [] })
  })

  it('may use every key', () => {
    const config = {
      name: 'shop',
      database: 'postgresql://localhost/shop',
      sqlite: { synchronous: 'NORMAL' },
      services: {
        api: {
          command: ['node', 'api.js'],
          cwd: 'api',
          env: { LOG: '' },
          envFile: ['.env', '.env.local'],
          port: 3000,
          dependsOn: { assets: 'completed', cache: 'started' },
          ready: { http: '/health', timeout: '5s' },
          restart: 'always',
          stopSignal: 'SIGINT',
          stopTimeout: '500ms',
          instances: 2,
          watch: ['api'],
          only: 'development',
        },
        assets: { command: 'npm run assets', oneshot: true },
        cache: { command: 'cache', port: 6379, ready: { port: true }, envFile: '.env' },
        mail: { command: 'mail', ready: { log: 'listening on \\d+' }, dependsOn: ['cache'] },
        web: { command: 'web', ready: { command: ['curl', '-f', 'localhost'] } },
      },
      retention: { succeeded: '90d', failed: '1y', logs: '30d', processors: { build: { artifacts: '7d' } } },
      worker: { instances: 2, pollInterval: '1s', gracePeriod: '10m', starvation: '5m' },
      plugins: { deploy: { environments: {} } },
    }
    expect(parseConfig(config)).toEqual({ config, problems: [] })
  })

  it.each([[3], [null], [[]], ['shop'], [() => ({})]])('is an object, and %o is not', (value) => {
    expect(problemsOf(value)).toEqual([expect.stringContaining('expected an object, got')])
  })

  it('is reported with all its problems at once, of shape and of rules, each with its path', () => {
    expect(
      problemsOf({
        nam: 'shop',
        retention: { succeeded: 'soon', logs: 7 } as never,
        worker: { instances: 0, pollInterval: '1 week', gracePeriod: '200000000d' },
        services: {
          api: { comand: 'node api.js', port: 70_000, ready: { http: 3 } },
          web: { command: 'npx vite', dependsOn: ['apo'] },
        },
      }),
    ).toEqual([
      'services.api.command: is missing',
      'services.api.port: expected a port from 1 to 65535, got 70000',
      'services.api.ready.http: expected a string, got 3',
      'services.api.comand: unknown key, did you mean "command"?',
      'worker.instances: expected a whole number of at least 1, got 0',
      'worker.pollInterval: expected a duration such as "10m", got "1 week"',
      'worker.gracePeriod: expected a duration of at most "365000d", got "200000000d"',
      'retention.succeeded: expected a duration such as "10m", got "soon"',
      'retention.logs: expected a duration such as "10m", got 7',
      'nam: unknown key, did you mean "name"?',
      'services.web.dependsOn: unknown service "apo", did you mean "api"?',
    ])
  })

  it('lists the known keys where no known key is near', () => {
    expect(problemsOf({ worker: { colour: 'red' } })).toEqual([
      'worker.colour: unknown key, expected one of: instances, pollInterval, maxLog, gracePeriod, starvation, env, envFile, allow, credentials',
    ])
  })

  it.each(['mysql://host/shop', 'sqlite:', 'shop.db'])('has no database "%s"', (database) => {
    expect(problemsOf({ database })).toEqual([expect.stringMatching(/^database: expected "sqlite:<path>" or/)])
  })

  it('keeps the password of a mistyped database out of its problems', () => {
    expect(problemsOf({ database: 'postgress://ada:secret@host/shop' }).join()).not.toContain('secret')
  })

  it.each(['Shop', '1shop', 'my shop', ''])('is not named "%s"', (name) => {
    expect(problemsOf({ name })).toEqual([expect.stringMatching(/^name: expected a name of a-z, 0-9/)])
  })
})

describe('a service', () => {
  it('is not named "worker"', () => {
    expect(problemsOfServices({ worker: { command: 'node worker.js' } })).toEqual([
      'services.worker: the name "worker" is reserved for the worker of ops',
    ])
  })

  it('does not depend on itself through others', () => {
    expect(
      problemsOfServices({
        a: { command: 'a', dependsOn: ['b'] },
        b: { command: 'b', dependsOn: ['c'] },
        c: { command: 'c', dependsOn: ['b'] },
      }),
    ).toEqual(['services.b.dependsOn: dependency cycle: b → c → b'])
  })

  it('does not depend on one that is left out where it runs', () => {
    expect(
      problemsOfServices({
        web: { command: 'web', dependsOn: ['proxy'] },
        proxy: { command: 'proxy', only: 'server' },
      }),
    ).toEqual([
      'services.web.dependsOn: "proxy" runs on the server only, but "web" runs in development and on the server',
    ])
  })

  it('waits for the completion of oneshot services alone', () => {
    expect(
      problemsOfServices({ web: { command: 'web', dependsOn: { api: 'completed' } }, api: { command: 'api' } }),
    ).toEqual(['services.web.dependsOn.api: only a service with "oneshot: true" can be completed'])
  })

  it.each([
    [{}, 'services.web.ready: expected exactly one of "http", "port", "log" and "command", got none'],
    [
      { log: 'up', port: 80 },
      'services.web.ready: expected exactly one of "http", "port", "log" and "command", got "port" and "log"',
    ],
    [{ log: '(' }, 'services.web.ready.log: expected a valid regular expression, got "("'],
    [{ http: '/' }, 'services.web.ready.http: a path needs the "port" of the service: set it, or use a whole URL'],
    [{ http: 'health' }, 'services.web.ready.http: expected a path that starts with "/" or a whole URL, got "health"'],
    [{ port: true }, 'services.web.ready.port: true refers to the "port" of the service, which is not set'],
    [{ port: 80, timeout: '1 minute' }, expect.stringContaining('services.web.ready.timeout: expected a duration')],
  ])('has no readiness check such as %o', (ready, problem) => {
    expect(problemsOfServices({ web: { command: 'web', ready } })).toEqual([problem])
  })

  it.each([
    [{ only: 'server', watch: ['src'] }, 'watch', 'has an effect in development only'],
    [{ only: 'development', allow: { writePaths: ['/srv'] } }, 'allow', 'has an effect on the server only'],
    [{ only: 'development', credentials: { a: '/etc/a' } }, 'credentials', 'has an effect on the server only'],
    [{ oneshot: true, restart: 'always' }, 'restart', 'a oneshot service is done when it has exited'],
  ])('has no key without an effect where it runs: %o', (service, key, problem) => {
    expect(problemsOfServices({ web: { command: 'web', ...service } })).toEqual([
      expect.stringContaining(`services.web.${key}: ${problem}`),
    ])
  })

  it('is asked by a whole URL without a port of its own', () => {
    expect(problemsOfServices({ web: { command: 'web', ready: { http: 'http://localhost:8080/' } } })).toEqual([])
  })
})
