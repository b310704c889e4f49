import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse-config.ts'
import { fromCompose } from '../../src/scaffold/from-compose.ts'
import { fromPackageJson } from '../../src/scaffold/from-package-json.ts'
import { fromPm2 } from '../../src/scaffold/from-pm2.ts'
import { fromProcfile } from '../../src/scaffold/from-procfile.ts'

const beside = (files: Record<string, string> = {}, env?: Record<string, string>) => ({
  has: (file: string) => file in files || (file === '.env' && env !== undefined),
  env,
})

describe('a Procfile', () => {
  it('gives ports as foreman does, and its .env to each process', () => {
    const text = 'web: puma -p $PORT\n# a comment\n\nclock:   node clock.js  \r\nadmin: node a.js --port $PORT\n'
    expect(fromProcfile(text, beside({}, { PORT: '3000' })).services).toEqual({
      web: { command: 'puma -p $PORT', port: 3000, envFile: '.env' },
      clock: { command: 'node clock.js', envFile: '.env' },
      admin: { command: 'node a.js --port $PORT', port: 3200, envFile: '.env' },
    })
    expect(fromProcfile('web: x', beside()).services).toEqual({ web: { command: 'x', port: 5000 } })
  })

  it('has reserved and invalid names changed, with a note', () => {
    const { services, notes } = fromProcfile('worker: a\nMy_Job: b\nmy-job: c\n9: d\nnot a process\n', beside())
    expect(Object.keys(services)).toEqual(['app-worker', 'my-job', 'my-job-2', 'app'])
    expect(notes).toEqual([
      'renamed "worker" to "app-worker": ops runs its own worker under this name',
      'renamed "My_Job" to "my-job"',
      'renamed "my-job" to "my-job-2"',
      'renamed "9" to "app"',
      'skipped a line that is not "name: command": not a process',
    ])
  })

  it('has its release run once', () => {
    expect(fromProcfile('release: migrate', beside()).services).toEqual({
      release: { command: 'migrate', oneshot: true },
    })
  })
})

describe('a package.json', () => {
  const services = (scripts: Record<string, string>, files = {}) =>
    fromPackageJson(JSON.stringify({ scripts }), beside(files)).services

  it('gives one service for each script of a group, without the script that runs them all', () => {
    const scripts = {
      dev: 'concurrently "npm:dev:*"',
      'dev:api': 'node api.js --port 4000',
      'dev:web': 'vite',
      'start:prod': 'x',
    }
    expect(services(scripts)).toEqual({
      api: { command: 'npm run dev:api', port: 4000 },
      web: { command: 'npm run dev:web' },
    })
    expect(services({ start: 'node a.js', dev: 'node --watch a.js' })).toEqual({ app: { command: 'npm run dev' } })
    expect(services({ start: 'node a.js', build: 'tsc' })).toEqual({ app: { command: 'npm run start' } })
    expect(services({ start: 'ops start-services', test: 'vitest' })).toEqual({})
    expect(fromPackageJson('{}', beside()).services).toEqual({})
  })

  it('runs with the package manager of the project', () => {
    expect(services({ dev: 'x' }, { 'pnpm-lock.yaml': '' })).toEqual({ app: { command: 'pnpm run dev' } })
    expect(services({ dev: 'x' }, { 'yarn.lock': '' })).toEqual({ app: { command: 'yarn run dev' } })
    const named = JSON.stringify({ packageManager: 'bun@1.2.0', scripts: { dev: 'x' } })
    expect(fromPackageJson(named, beside({ 'yarn.lock': '' })).services).toEqual({ app: { command: 'bun run dev' } })
  })
})

describe('a Compose file', () => {
  it('gives the services that have a command', () => {
    const { services, notes } = fromCompose(`
x-base: &base
  restart: unless-stopped
services:
  db: { image: 'postgres:18' }
  web:
    <<: *base
    build: { context: ./web }
    command: [npm, start, "it's $$HOME"]
    environment: [DATABASE_URL=postgres://u@db:5432/x, HOME]
    env_file: [.env, { path: web.env }]
    ports: ['127.0.0.1:8080:80', '9000:9000']
    depends_on: { db: { condition: service_healthy }, setup: { condition: service_completed_successfully } }
    healthcheck: { test: [CMD-SHELL, curl -f localhost:8080] }
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    deploy: { replicas: 2 }
  setup: { build: ., command: ./setup.sh, restart: 'no' }
`)
    expect(services).toEqual({
      web: {
        command: ['npm', 'start', "it's $HOME"],
        cwd: './web',
        env: { DATABASE_URL: 'postgres://u@db:5432/x' },
        envFile: ['.env', 'web.env'],
        port: 8080,
        ready: { command: 'curl -f localhost:8080' },
        restart: 'always',
        stopSignal: 'SIGINT',
        stopTimeout: '90s',
        instances: 2,
        dependsOn: ['setup'],
      },
      setup: { command: './setup.sh', oneshot: true, restart: 'never' },
    })
    expect(parseConfig({ services }).problems).toEqual([])
    expect(notes).toEqual([
      'web: DATABASE_URL contains the host "db", which exists only in Docker',
      'web: only its first port is imported, as PORT',
      'skipped "db": it has no command, only postgres:18; run it with "docker compose up db"',
    ])
  })

  it('may be empty', () => {
    expect(fromCompose('').services).toEqual({})
    expect(fromCompose('services: { web: }').notes).toHaveLength(1)
  })
})

describe('an ecosystem file of pm2', () => {
  it('gives its applications', () => {
    const { services, notes } = fromPm2({
      apps: [
        {
          name: 'API',
          script: './api.js',
          args: '-v --x 1',
          instances: 'max',
          env: { PORT: 3000, A: true },
          watch: true,
        },
        { script: 'jobs/clean.py', autorestart: false, kill_timeout: 3000, cron_restart: '0 3 * * *' },
        { name: 'bin', script: './run', interpreter: 'none', instances: 2, cwd: 'tools' },
      ],
    })
    expect(services).toEqual({
      api: {
        command: ['node', './api.js', '-v', '--x', '1'],
        env: { A: 'true' },
        port: 3000,
        restart: 'always',
        watch: ['.'],
      },
      clean: { command: ['python3', 'jobs/clean.py'], restart: 'never', stopTimeout: '3000ms' },
      bin: { command: ['./run'], cwd: 'tools', instances: 2, restart: 'always' },
    })
    expect(parseConfig({ services }).problems).toEqual([])
    expect(notes).toEqual([
      'renamed "API" to "api"',
      'api: "instances: max" is not supported, since instances do not share a port; one is started',
      'clean: "cron_restart" is not supported; see "schedules" for scheduled tasks',
    ])
  })
})
