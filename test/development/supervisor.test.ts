import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Service } from '../../src/config/config.ts'
import { planServices } from '../../src/development/plan-services.ts'
import { Supervisor } from '../../src/development/supervisor.ts'
import { isGroupEmpty } from '../../src/platform/process-group.ts'

let directory: string
let running: Promise<void>
let stop: AbortController
let force: AbortController
let output: Record<string, string>
let states: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ops-services-'))
  running = Promise.resolve()
  stop = new AbortController()
  force = new AbortController()
  output = {}
  states = []
})
afterEach(async () => {
  stop.abort('SIGTERM')
  force.abort('SIGTERM')
  await running.catch(() => {})
  rmSync(directory, { recursive: true })
})

function start(services: Record<string, Service>): Promise<void> {
  const planned = planServices({
    config: { services },
    directory,
    worker: { command: [] },
    names: Object.keys(services),
  })
  running = new Supervisor(planned, {
    environment: { PATH: process.env.PATH },
    stop: { requested: stop.signal, forced: force.signal },
    reporter: {
      changed: (service, { state }) => states.push(`${service} ${state}`),
      output: (service, text) => {
        output[service] = (output[service] ?? '') + text
      },
      stillStopping: () => {},
    },
  }).run()
  running.catch(() => {})
  return running
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000
  while (!isTrue()) {
    if (performance.now() > deadline)
      throw new Error(`gave up waiting; states: ${states}; output: ${JSON.stringify(output)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const untilState = (state: string) => until(() => states.includes(state))
const path = (name: string) => join(directory, name)

/** Node programs: one that listens, and one that logs its signals and takes its time to exit. */
const node = (script: string) => [process.execPath, '--eval', script]
const server = (extra = '') =>
  node(`require('http').createServer((_, r) => r.end()).listen(process.env.PORT); ${extra}`)
const logsSignals = (endsAfterMs: number) => `
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {
    console.log(signal); setTimeout(() => process.exit(0), ${endsAfterMs}) });
  setInterval(() => {}, 1000); console.log('up', process.pid)`

async function freePort(): Promise<number> {
  const probe = createServer().listen(0)
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

describe('a start', () => {
  it('waits for dependencies to be completed and ready', async () => {
    const port = await freePort()
    void start({
      web: { command: 'cat made; exec sleep 60', dependsOn: ['api', 'assets'] },
      api: { command: server(), port, ready: { http: '/' } },
      assets: { command: 'sleep 0.3; echo done > made', oneshot: true },
    })
    await until(() => output.web === 'done\n')
    expect(states.indexOf('web starting')).toBeGreaterThan(states.indexOf('api ready'))
    expect(states.indexOf('web starting')).toBeGreaterThan(states.indexOf('assets completed'))
  })

  it.each<[string, Partial<Service>]>([
    ['a port', { ready: { port: true } }],
    ['a line of output', { ready: { log: '^up \\d+$' } }],
    ['a command', { ready: { command: 'test -e made' } }],
    ['an argument list', { ready: { command: ['test', '-e', 'made'] } }],
  ])('detects by %s that a service is ready', async (_, service) => {
    const port = await freePort()
    void start({
      api: { command: server(`require('fs').writeFileSync('made', ''); console.log('up', 1)`), port, ...service },
    })
    await untilState('api ready')
  })

  it('fails when a service is not ready in time', async () => {
    await expect(start({ api: { command: 'exec sleep 60', ready: { log: 'up', timeout: '200ms' } } })).rejects.toThrow(
      'The service "api" was not ready within 200ms; waited for output matching /up/.',
    )
    expect(states).toContain('api stopped')
  })

  it('names the process that holds a port', async () => {
    const holder = createServer().listen(0)
    const { port } = holder.address() as { port: number }
    await expect(start({ api: { command: server(), port } })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(process.platform === 'linux' ? `process ${process.pid} (` : `port ${port}`),
    })
    holder.close()
  })

  it('gives a service the variables of its files, then its own, then its port', async () => {
    const port = await freePort()
    writeFileSync(path('a.env'), 'A=file\nB=file\n')
    void start({
      api: { command: 'echo $A $B $PORT; exec sleep 60', envFile: 'a.env', env: { B: 'own', PORT: '1' }, port },
    })
    await until(() => output.api === `file own ${port}\n`)
  })

  it('names the missing envFile', async () => {
    await expect(start({ api: { command: 'true', envFile: 'gone.env' } })).rejects.toMatchObject({
      code: 'ENV_FILE_MISSING',
      oclif: { exit: 78 },
    })
  })

  it('says that a program does not exist', async () => {
    await expect(start({ api: { command: ['no-such-program'] } })).rejects.toMatchObject({
      code: 'SERVICE_NOT_STARTED',
      message: expect.stringContaining('no-such-program'),
    })
  })

  it('can reopen its output as /dev/stdout and /dev/stderr', async () => {
    void start({ api: { command: 'echo out > /dev/stdout; echo err > /dev/stderr; exec sleep 60' } })
    await until(() => (output.api ?? '').split('\n').sort().join() === ',err,out')
  })

  it('reads no input', async () => {
    void start({ api: { command: 'cat; echo read; exec sleep 60' } })
    await until(() => output.api === 'read\n')
  })
})

describe('a service that exits', () => {
  it('gives ops its own exit status, and stops the others', async () => {
    await expect(
      start({
        api: { command: 'exit 3', restart: 'never', dependsOn: ['web'] },
        web: { command: node(logsSignals(0)), ready: { log: 'up' } },
      }),
    ).rejects.toMatchObject({ message: 'The service "api" failed with exit code 3.', oclif: { exit: 3 } })
    expect(output.web).toMatch(/SIGTERM/)
  })

  it('keeps its last line, also without a newline', async () => {
    await start({ api: { command: 'echo first; printf last', oneshot: true } })
    expect(output.api).toBe('first\nlast\n')
  })

  it('is restarted when it fails', async () => {
    void start({ api: { command: 'test -e made && { echo again; exec sleep 60; }; touch made; exit 1' } })
    await until(() => output.api === 'again\n')
    expect(states.filter((state) => state === 'api restarting')).toHaveLength(1)
  })

  it('is restarted where it is a oneshot with restart: on-failure, and its dependents start then', async () => {
    await start({
      seed: { command: 'test -e tried || { touch tried; exit 1; }', oneshot: true, restart: 'on-failure' },
      web: { command: 'echo web', dependsOn: ['seed'] },
    })
    expect(states.filter((state) => state.startsWith('seed '))).toContain('seed restarting')
    expect(output.web).toBe('web\n')
  })

  it('ends the session when it was the last and exited with 0', async () => {
    await start({ api: { command: 'echo bye' } })
    expect(states).toContain('api exited')
  })

  it('fails the start where others wait for it', async () => {
    await expect(
      start({ assets: { command: 'exit 4', oneshot: true }, web: { command: 'echo web', dependsOn: ['assets'] } }),
    ).rejects.toMatchObject({ oclif: { exit: 4 } })
    expect(output.web).toBeUndefined()
  })
})

describe('a stop', () => {
  it('sends one signal to each service, to dependents first, and waits for them', async () => {
    void start({
      db: { command: node(logsSignals(0)), ready: { log: 'up' } },
      api: { command: node(logsSignals(400)), dependsOn: ['db'], ready: { log: 'up' } },
    })
    await untilState('api ready')
    stop.abort('SIGINT')
    await running
    expect(output.api).toMatch(/^up \d+\nSIGTERM\n$/)
    expect(output.db).toMatch(/^up \d+\nSIGTERM\n$/)
    expect(states.slice(-4)).toEqual(['api stopping', 'api stopped', 'db stopping', 'db stopped'])
  })

  it('waits until the group is empty, not only for its first process', async () => {
    // The shell exits at once; the program it started in the background does not.
    void start({ api: { command: `"${process.execPath}" worker.cjs & wait`, ready: { log: 'up' } } })
    writeFileSync(
      path('worker.cjs'),
      `process.on('SIGTERM', () => setTimeout(() => {
      require('fs').writeFileSync('finished', ''); process.exit() }, 500)); setInterval(() => {}, 1000); console.log('up')`,
    )
    await untilState('api ready')
    stop.abort('SIGTERM')
    await running
    expect(existsSync(path('finished'))).toBe(true)
  })

  it('kills what has not exited within its stopTimeout', async () => {
    void start({
      api: { command: 'trap "" TERM; echo up; sleep 60 & wait; wait', ready: { log: 'up' }, stopTimeout: '300ms' },
    })
    await untilState('api ready')
    stop.abort('SIGTERM')
    await running
    expect(states.at(-1)).toBe('api killed')
  })

  it('is immediate when forced', async () => {
    void start({ api: { command: node(`${logsSignals(60_000)}`), ready: { log: 'up' }, stopTimeout: '1h' } })
    await untilState('api ready')
    stop.abort('SIGINT')
    await until(() => output.api!.includes('SIGTERM'))
    force.abort('SIGINT')
    await running
    expect(states.at(-1)).toBe('api killed')
    expect(isGroupEmpty(Number(output.api!.match(/up (\d+)/)![1]))).toBe(true)
  })

  it('uses the stopSignal of the service', async () => {
    void start({ api: { command: node(logsSignals(0)), ready: { log: 'up' }, stopSignal: 'SIGINT' } })
    await untilState('api ready')
    stop.abort('SIGTERM')
    await running
    expect(output.api).toMatch(/\nSIGINT\n$/)
  })

  it('ends a start that is not complete', async () => {
    void start({
      api: { command: 'exec sleep 60', ready: { log: 'up' } },
      web: { command: 'touch started', dependsOn: ['api'] },
    })
    await untilState('api starting')
    stop.abort('SIGINT')
    await running
    expect(existsSync(path('started'))).toBe(false)
  })
})

it('passes on all of a flood of output', async () => {
  const lines = 200_000
  writeFileSync(path('flood.cjs'), `for (let i = 0; i < ${lines}; i++) process.stdout.write(i + '\\n')`)
  await start({ api: { command: [process.execPath, 'flood.cjs'], oneshot: true } })
  expect(output.api).toBe(`${Array.from({ length: lines }, (_, index) => index).join('\n')}\n`)
})
