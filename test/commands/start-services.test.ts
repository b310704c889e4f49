import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { isGroupEmptyWithin } from '../../src/platform/process-group.ts'

const run = join(import.meta.dirname, '..', '..', 'bin', 'run.js')

let directory: string
let ops: ChildProcess | undefined
let output: string
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'ops-start-')))
  output = ''
})
afterEach(async () => {
  if (ops?.exitCode === null && ops.signalCode === null) {
    ops.kill('SIGTERM')
    await once(ops, 'exit')
  }
  rmSync(directory, { recursive: true, force: true })
})

function start(config: Config | string, ...args: string[]): ChildProcess {
  writeFileSync(join(directory, 'ops.config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  const { NO_COLOR, FORCE_COLOR, OPS_CONFIG, OPS_DATABASE_URL, ...env } = process.env
  ops = spawn(process.execPath, [run, 'start-services', ...args], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [ops.stdout!, ops.stderr!]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  return ops
}

async function status(of: ChildProcess): Promise<number | null> {
  const [code] = await once(of, 'close')
  return code
}

async function until(text: string | RegExp): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!output.match(text)) {
    if (performance.now() > deadline) throw new Error(`no ${text} in: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const waits = `trap 'echo got TERM; exit 0' TERM; echo pid $$ in $PWD with $OPS_CONFIG; while :; do sleep 0.1; done`

describe('ops start-services', () => {
  it('ends with 130 after Ctrl-C, when services and worker have ended', async () => {
    const process = start({ services: { api: { command: waits } } })
    await until(/api +\| pid \d+/)
    await until(/worker +\| .*polling/)
    process.kill('SIGINT')
    expect(await status(process)).toBe(130)
    expect(output.match(/got TERM/g)).toHaveLength(1)
    expect(output).toMatch(/worker stopped/)
    expect(existsSync(join(directory, '.ops', 'ops.db'))).toBe(true)
  })

  it('ends with 143 after SIGTERM', async () => {
    const process = start({ services: { api: { command: waits } } }, 'api')
    await until(/pid \d+/)
    process.kill('SIGTERM')
    expect(await status(process)).toBe(143)
  })

  it('starts only what is named, in the project and with its configuration', async () => {
    const process = start({ services: { api: { command: waits }, web: { command: 'echo web' } } }, 'api')
    await until(`in ${directory} with ${join(directory, 'ops.config.json')}`)
    process.kill('SIGINT')
    await status(process)
    expect(output).not.toMatch(/worker|web/)
  })

  it('ends with the status of the service that failed, and shows its last words', async () => {
    const process = start({ services: { api: { command: 'printf "last words"; exit 7', restart: 'never' } } }, 'api')
    expect(await status(process)).toBe(7)
    expect(output).toContain('api | last words\n')
    expect(output).toContain('The service "api" exited with code 7.')
  })

  it('refuses a service that does not exist with 2, and a bad configuration with 78', async () => {
    expect(await status(start({ services: { api: { command: waits } } }, 'apo'))).toBe(2)
    expect(output).toContain('did you mean "api"?')
    expect(await status(start('{ "services": { "api": { "comand": "x" } } }'))).toBe(78)
    expect(output.replaceAll(/\s+/g, ' ')).toContain('services.api.comand: unknown key, did you mean "command"?')
  })

  it('leaves nothing running when its reader goes away', async () => {
    const process = start(
      { services: { api: { command: 'echo $$ > pid; while :; do echo tick; sleep 0.1; done' } } },
      'api',
    )
    await until('tick')
    process.stdout!.destroy()
    process.stderr!.destroy()
    await once(process, 'exit')
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'))
    expect(await isGroupEmptyWithin(pid, 5000)).toBe(true)
  })
})
