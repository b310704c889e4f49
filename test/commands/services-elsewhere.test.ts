import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/config/config.ts'
import { readSessionRecord } from '../../src/development/session-record.ts'
import { isGroupEmptyWithin } from '../../src/platform/process-group.ts'
import { countingModule, pluginPackage } from '../support/plugin-package.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

const waits = 'echo up; while :; do sleep 0.05; done'

/** A project with running services, used from another terminal. */
async function running(services: Record<string, Service>, ...args: string[]) {
  const project = new TestProject()
  project.write('ops.config.json', JSON.stringify({ services }))
  const ops = project.start('start-services', ...Object.keys(services), ...args)
  await until(() => Object.keys(services).every((name) => statesOf(project).includes(name)), 'the services are up')
  return { project, ops }
}

function statesOf(project: TestProject): string[] {
  const groups = readSessionRecord(project.path('.ops'))?.groups ?? []
  return groups.map(({ name }) => name.replace(/\.\d+$/, ''))
}

describe('ops status', () => {
  it('shows the state of each service, and fails when none is running', async () => {
    const { project, ops } = await running({ api: { command: waits }, twice: { command: waits, instances: 2 } })
    const plain = await project.ops('status')
    expect(plain.exitCode).toBe(0)
    expect(plain.stdout).toMatch(/^service +state +since +pid +restarts\napi +running +\S.* \d+ +0\n/)
    const { services } = JSON.parse((await project.ops('status', '--json')).stdout)
    expect(services).toMatchObject([
      { name: 'api', state: 'running', restarts: 0, ready: null, port: null, note: null, task: null },
      { name: 'twice.1', state: 'running' },
      { name: 'twice.2', state: 'running' },
    ])
    ops.kill('SIGINT')
    await ops.exit
    const none = await project.ops('status')
    expect(none.exitCode).toBe(1)
    expect(none.stderr).toContain('No services of')
  })

  it('is available only to this user', async () => {
    const { project } = await running({ api: { command: waits } })
    const { socket } = readSessionRecord(project.path('.ops'))!
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700)
  })

  it('detects the record that a killed session left behind', async () => {
    const { project, ops } = await running({ api: { command: waits } })
    ops.kill('SIGKILL')
    await ops.exit
    expect(existsSync(project.path('.ops/services.json'))).toBe(true)
    expect((await project.ops('status')).exitCode).toBe(1)
    expect((await project.ops('stop-services')).stdout).toBe('No services are running.')
  })
})

describe('ops restart', () => {
  it('restarts services, and reports the result', async () => {
    const { project } = await running({
      api: { command: 'echo $$ >> api.pids; exec sleep 600' },
      web: { command: 'echo $$ >> web.pids; exec sleep 600' },
    })
    const { stdout, exitCode } = await project.ops('restart', 'api')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Restarted api in \d+/)
    await until(() => project.read('api.pids').trim().split('\n').length === 2, 'it runs again')
    expect(project.read('web.pids').trim().split('\n')).toHaveLength(1)
    expect(JSON.parse((await project.ops('status', '--json')).stdout).services[0]).toMatchObject({ restarts: 1 })
  })

  it('fails when a service does not become ready, and it is retried', async () => {
    const { project } = await running({
      api: { command: 'if [ -e broken ]; then exit 3; fi; echo fine; exec sleep 600', ready: { log: 'fine' } },
    })
    project.write('broken', '')
    const { exitCode, stderr } = await project.ops('restart', 'api')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('Failed to restart "api": ')
    expect((await project.ops('status')).stdout).toMatch(/api +(restarting|starting)/)
  })

  it('starts a service that has failed, and leaves the others alone', async () => {
    const { project } = await running({
      api: { command: '[ -e broken ] && exit 3; exec sleep 600', restart: 'never' },
      web: { command: waits },
    })
    project.write('broken', '')
    // Without a probe it is up as soon as it runs; the failure after that is only reported.
    await project.ops('restart', 'api')
    await until(
      async () => JSON.parse((await project.ops('status', '--json')).stdout).services[0].state === 'failed',
      'it has failed',
    )
    rmSync(project.path('broken'))
    expect((await project.ops('restart', 'api')).exitCode).toBe(0)
    expect((await project.ops('status')).stdout).toMatch(/api +running/)
  })

  it('rejects an unknown name, and does nothing', async () => {
    const { project } = await running({ api: { command: waits } })
    const { exitCode, stderr } = await project.ops('restart', 'api', 'apo')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('Did you mean "api"?')
    expect(JSON.parse((await project.ops('status', '--json')).stdout).services[0]).toMatchObject({ restarts: 0 })
  })
})

it('services keep running and responding when the session record cannot be written', async () => {
  const { project, ops } = await running({ api: { command: waits } })
  const record = project.read('.ops/services.json')
  // It blocks the next record, as a full disk would.
  mkdirSync(project.path(`.ops/services.json.${ops.pid}.new`))
  expect((await project.ops('restart', 'api')).exitCode).toBe(0)
  expect(project.read('.ops/services.json')).toBe(record)
  expect(JSON.parse((await project.ops('status', '--json')).stdout).services).toMatchObject([
    { name: 'api', state: 'running', restarts: 1 },
  ])
  expect((await project.ops('stop-services')).exitCode).toBe(0)
  expect(await ops.exit).toBe(0)
})

describe('ops stop-services', () => {
  it('stops services as Ctrl-C does, and returns when none is left', async () => {
    const { project, ops } = await running({
      api: { command: "echo $$ > api.pid; trap 'sleep 0.5; touch api.ended; exit' TERM; while :; do sleep 0.05; done" },
    })
    const { stdout, exitCode } = await project.ops('stop-services')
    expect([stdout, exitCode]).toEqual(['Stopped all services.', 0])
    expect(existsSync(project.path('api.ended'))).toBe(true)
    expect(await ops.exit).toBe(0)
    expect(existsSync(project.path('.ops/services.json'))).toBe(false)
    expect((await project.ops('stop-services', '--json')).stdout).toContain('"stopped": false')
  })

  it('names the services it waits for, and kills them with --force', async () => {
    const { project, ops } = await running({
      deaf: { command: "trap '' TERM; while :; do sleep 0.05; done", stopTimeout: '10m' },
    })
    const waiting = project.start('stop-services')
    await waiting.says('waiting for deaf (')
    const forced = await project.ops('stop-services', '--force')
    expect(forced.stdout).toBe('Stopped all services.')
    expect(await waiting.exit).toBe(0)
    expect(await ops.exit).toBe(0)
  })
})

describe('a second ops start-services', () => {
  it('reports the running session, and does nothing', async () => {
    const { project, ops } = await running({ api: { command: waits } })
    const second = await project.ops('start-services')
    expect(second.exitCode).toBe(1)
    expect(second.stderr.replaceAll(/\s+/g, ' ')).toContain(`are already running (process ${ops.pid}, started`)
    expect((await project.ops('status')).exitCode).toBe(0)
  })

  it('runs in another checkout of the same project', async () => {
    const [one, other] = await Promise.all([running({ api: { command: waits } }), running({ api: { command: waits } })])
    await one.project.ops('stop-services')
    expect((await other.project.ops('status')).exitCode).toBe(0)
  })

  it('after a killed one waits until the guardian has stopped the services', async () => {
    const { project, ops } = await running({
      slow: {
        command: "trap 'until [ -e may-end ]; do sleep 0.05; done; echo last; exit' TERM; while :; do sleep 0.05; done",
        stopTimeout: '10m',
      },
    })
    ops.kill('SIGKILL')
    await ops.exit
    const next = project.start('start-services', 'slow')
    await next.says('of an earlier start to stop')
    project.write('may-end', '')
    await next.says('slow started')
    expect(unwrapped(next.output)).toContain('of an earlier start to stop: slow (')
    expect(project.read('.ops/logs/services/slow.log')).toContain('last\n')
  })

  it('stops what is left when the guardian was killed too', async () => {
    const { project, ops } = await running({ deaf: { command: "trap '' HUP; while :; do sleep 0.05; done" } })
    const { groups, guardian } = readSessionRecord(project.path('.ops'))!
    process.kill(ops.pid, 'SIGSTOP')
    process.kill(guardian!.id, 'SIGKILL')
    ops.kill('SIGKILL')
    await ops.exit
    const next = project.start('start-services', 'deaf')
    await next.says('deaf started')
    expect(unwrapped(next.output)).toContain('an earlier start that was killed: deaf (')
    expect(await isGroupEmptyWithin(groups[0]!.id, 5000)).toBe(true)
  })
})

describe('ops logs', () => {
  it('prints the output of services by time, or only of the named ones', async () => {
    const { project, ops } = await running({
      api: { command: 'echo one; touch one; while ! [ -e red ]; do sleep 0.1; done; sleep 0.1; echo two; touch two' },
      web: {
        command:
          'while ! [ -e one ]; do sleep 0.1; done; sleep 0.1; printf "\\033[31mred\\033[0m\\n"; touch red; ' +
          'while ! [ -e two ]; do sleep 0.1; done; sleep 0.1; printf "last words"',
      },
    })
    await until(() => project.read('.ops/logs/services/web.log').includes('last words'), 'web has ended')
    ops.kill('SIGINT')
    await ops.exit
    expect((await project.ops('logs')).stdout).toBe('api | one\nweb | red\napi | two\nweb | last words')
    expect((await project.ops('logs', 'api', '-n', '1')).stdout).toBe('api | two')
    expect((await project.ops('logs', 'web', '-t')).stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} web \| red\n/)
    const { lines } = JSON.parse((await project.ops('logs', 'api', '--json')).stdout)
    expect(lines).toEqual([
      { service: 'api', at: expect.stringMatching(/^\d{4}-.*Z$/), text: 'one' },
      { service: 'api', at: expect.any(String), text: 'two' },
    ])
    const unknown = await project.ops('logs', 'apo')
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean "api"?')])
  })

  it('follows the output across a restart', async () => {
    const { project } = await running({ api: { command: 'echo begun $$; exec sleep 600' } })
    const following = project.start('logs', 'api', '-f')
    await following.says('begun')
    await project.ops('restart', 'api')
    await until(() => following.output.match(/api \| begun/g)?.length === 2, 'the second start is seen')
  })
})

describe('watch', () => {
  it('restarts a service when one of its files changes, and names the file', async () => {
    const { project, ops } = await running({
      api: { command: 'echo begun; exec sleep 600', watch: ['src', 'config/*.json'] },
    })
    await until(() => ops.output.includes('begun'), 'it runs')
    expect(unwrapped(ops.output)).toContain(`services.api.watch: ${project.path('src')} does not exist yet.`)
    const starts = () => ops.output.match(/api \| begun/g)?.length ?? 0
    // The watcher starts a moment after the service.
    for (let change = 0; starts() < 2; change += 1) {
      project.write(join('src', 'deep', 'api.js'), String(change))
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    expect(ops.output).toContain('api restarting: src/deep/api.js changed')
    await until(() => ops.output.match(/started/g)!.length >= 2, 'it is up again')
    // Of files that change together the last one is named.
    project.write(join('config', 'api.json'), '{}')
    project.write(join('config', 'notes.txt'), '')
    project.write(join('src', 'node_modules', 'x.js'), '')
    await until(() => ops.output.includes('api restarting: config/api.json changed'), 'a file of its own is named')
    project.write(join('src', 'last.js'), '')
    await until(() => ops.output.includes('api restarting: src/last.js changed'), 'the last change is seen')
    expect(ops.output).not.toMatch(/notes\.txt|node_modules/)
  })
})

describe('a linked plugin', () => {
  it('is reloaded when its source changes, after the running task', async () => {
    const slowly = (text: string) => countingModule('count').replace('(task) => ({', `async (task) => ({ ...(${text}),`)
    const whenAllowed = `await import('node:timers/promises').then(async ({ setTimeout }) => {
      const { existsSync } = await import('node:fs')
      while (!existsSync(task.text)) await setTimeout(50)
    })`
    const project = new TestProject()
    const root = pluginPackage('count', { module: slowly(whenAllowed) })
    project.link({ name: 'ops-plugin-count', root })
    project.write('ops.config.json', '{}')
    const ops = project.start('start-services')
    await ops.says('polling')
    await project.ops('enqueue', 'count', '--text', project.path('allowed'))
    await ops.says('started count 1')
    const status = async () => JSON.parse((await project.ops('status', '--json')).stdout).services[0]
    expect((await status()).task).toMatchObject({ name: 'count 1' })

    writeFileSync(join(root, 'dist', 'count.js'), countingModule('count', 'counts', '42'))
    await ops.says('count.js changed')
    expect(await status()).toMatchObject({ state: 'restarting', task: { name: 'count 1' } })
    project.write('allowed', '')
    await until(async () => (await status()).restarts === 1, 'the worker runs again')
    await project.ops('enqueue', 'count', '--text', 'abc')
    await until(() => project.rows('select 1 from counts where length = 42').length === 1, 'the new source is used')
    expect(project.rows('select id, status, attempt, length from counts order by id')).toEqual([
      { id: 1, status: 'succeeded', attempt: 1, length: project.path('allowed').length },
      { id: 2, status: 'succeeded', attempt: 1, length: 42 },
    ])
  })
})

describe('ops start-services', () => {
  it('prints JSON lines with --json', async () => {
    const { project, ops } = await running({ api: { command: 'echo out; echo err >&2; exec sleep 600' } }, '--json')
    await until(() => /"err"/.test(ops.output) && /"out"/.test(ops.output), 'both are written')
    await project.ops('stop-services')
    await ops.exit
    const events = ops.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events).toContainEqual({ at: expect.any(String), service: 'api', stream: 'stdout', line: 'out' })
    expect(events).toContainEqual({ at: expect.any(String), service: 'api', stream: 'stderr', line: 'err' })
    expect(events).toContainEqual({ at: expect.any(String), service: 'api', state: 'started' })
    expect(events.at(-1)).toMatchObject({ service: 'api', state: 'stopped' })
  })

  it('fails with advice when its state cannot be written, and continues when only logs cannot', async () => {
    const project = new TestProject()
    project.write('ops.config.json', JSON.stringify({ services: { api: { command: 'echo shown' } } }))
    project.write('.ops', 'not a folder')
    const { exitCode, stderr } = await project.ops('start-services', 'api')
    expect([exitCode, unwrapped(stderr)]).toEqual([1, expect.stringContaining('Cannot write to the state directory')])
    rmSync(project.path('.ops'))
    project.write('.ops/logs', 'not a folder')
    const shown = await project.ops('start-services', 'api')
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toContain('api | shown')
    expect(unwrapped(shown.stderr)).toContain('api.log: ')
  })

  it('prefixes lines with the time with --timestamps', async () => {
    const { ops } = await running({ api: { command: waits } }, '--timestamps')
    await until(() => /^\d\d:\d\d:\d\d\.\d{3} api \| up$/m.test(ops.output), 'the line is written')
  })
})
