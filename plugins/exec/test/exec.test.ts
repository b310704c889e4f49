import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { livingProcesses } from '../../../test/support/process-groups.ts'
import { until } from '../../../test/support/until.ts'
import exec from '../src/exec.ts'
import { openBench, performOne } from './support.ts'

describe('a command', () => {
  test('runs in a shell and writes its exit code and last lines', async () => {
    const row = await performOne({ command: 'echo one; echo "t""wo" >&2 && echo three | tr a-z A-Z' })
    expect(row).toMatchObject({ status: 'succeeded', exitCode: 0, outputTail: 'one\ntwo\nTHREE', error: null })
    expect(row.log).toBe('$ echo one; echo "t""wo" >&2 && echo three | tr a-z A-Z\none\ntwo\nTHREE\n')
  })

  test('with arguments runs without a shell', async () => {
    const given = ['%s\\n', '', 'two words', '$HOME', "it's", '; exit 3', '*']
    const row = await performOne({ command: 'printf', arguments: given })
    expect(row).toMatchObject({ status: 'succeeded', exitCode: 0, outputTail: "two words\n$HOME\nit's\n; exit 3\n*" })
    expect(row.log).toContain(`$ printf '%s\\n' '' 'two words' '$HOME' 'it'\\''s' '; exit 3' '*'\n`)
  })

  test('with an empty list of arguments runs without a shell', async () => {
    expect(await performOne({ command: 'pwd', arguments: [] })).toMatchObject({ exitCode: 0 })
    expect(await performOne({ command: 'exit 0', arguments: [] })).toMatchObject({ status: 'failed' })
  })

  test('runs in the project or in a folder relative to it', async () => {
    const { perform, project } = await openBench()
    mkdirSync(join(project, 'sub'))
    expect((await perform({ command: 'pwd' })).outputTail).toBe(project)
    expect((await perform({ command: 'pwd', cwd: 'sub' })).outputTail).toBe(join(project, 'sub'))
    expect((await perform({ command: 'pwd', cwd: '/' })).outputTail).toBe('/')
  })

  test('keeps the end of long output, as a terminal shows it', async () => {
    const script = `seq 1 100000; printf '10%%\\r20%%\\r\\n\\n\\033[31mred\\033[0m\\0\\n'; printf %600s x | tr ' ' y`
    const { outputTail } = await performOne({ command: script })
    const lines = outputTail!.split('\n')
    expect(lines).toHaveLength(20)
    expect(lines.slice(0, 2)).toEqual(['99984', '99985'])
    expect(lines.slice(-3)).toEqual(['20%', 'red', `${'y'.repeat(499)}…`])
  })

  test('without output writes no last lines', async () => {
    expect(await performOne({ command: 'true' })).toMatchObject({ exitCode: 0, outputTail: null })
  })

  test('runs in the configured shell', async () => {
    const { outputTail } = await performOne({ command: 'echo "$0"' }, { shell: 'bash' })
    expect(outputTail).toBe('bash')
  })
})

describe('the environment of a command', () => {
  test('has the variables of the task and of the settings, and no secrets of the worker', async () => {
    for (const name of ['SHOP_SECRET', 'OPS_DATABASE_URL', 'PGPASSWORD']) vi.stubEnv(name, 'secret')
    vi.stubEnv('REGION', 'north')
    const settings = { env: { MODE: 'fast', LEVEL: '1' }, passEnv: ['REGION'] }
    const { log } = await performOne({ command: 'env', env: { MODE: 'full', EMPTY: '' } }, settings)
    vi.unstubAllEnvs()
    for (const line of ['MODE=full', 'LEVEL=1', 'REGION=north', 'EMPTY=', 'OPS_TASK=exec 1'])
      expect(log).toContain(`\n${line}\n`)
    expect(log).toMatch(/^OPS_RUN_ID=\d+$/m)
    expect(log).not.toContain('=secret')
  })
})

describe('a command fails', () => {
  test('with its exit code and last lines in the row', async () => {
    const row = await performOne({ command: 'for i in 1 2 3 4; do echo "line $i"; done; exit 3' })
    expect(row).toMatchObject({
      status: 'failed',
      exitCode: 3,
      outputTail: 'line 1\nline 2\nline 3\nline 4',
      error: '`for i in 1 2 3 4; do echo "line $i"; done; exit 3` failed with exit code 3: line 2 | line 3 | line 4',
    })
  })

  test('without an exit code when a signal kills it', async () => {
    const row = await performOne({ command: 'echo going; kill -9 $$' })
    expect(row).toMatchObject({ status: 'failed', exitCode: null, outputTail: 'going' })
    expect(row.error).toBe('`echo going; kill -9 $$` was killed by SIGKILL: going')
  })

  test('when it times out, together with everything it started', async () => {
    const { perform, project } = await openBench({ timeout: '1h' })
    const command = `echo "$$" > group; echo begun; sleep 600; echo never`
    const row = await perform({ command, timeout: '0.3s' })
    expect(row).toMatchObject({ status: 'failed', exitCode: null, outputTail: 'begun' })
    expect(row.error).toMatch(/ timed out after 0.3s: begun$/)
    expect(livingProcesses(execFileSync('cat', [join(project, 'group')], { encoding: 'utf8' }).trim())).toEqual([])
  })

  test('when the timeout of the settings is shorter than its own', async () => {
    const row = await performOne({ command: 'sleep 600', timeout: '1h' }, { timeout: '100ms' })
    expect(row.error).toBe('`sleep 600` timed out after 100ms')
  })

  test('when the program is not found or not executable', async () => {
    const { perform, project } = await openBench()
    expect((await perform({ command: 'no-such-program', arguments: ['x'] })).error).toBe(
      '`no-such-program x` could not be started: program not found; use an absolute path, or leave out "arguments" to run it in a shell',
    )
    writeFileSync(join(project, 'script'), 'x')
    expect((await perform({ command: './script', arguments: [] })).error).toBe(
      '`./script` could not be started: not executable',
    )
    expect(await perform({ command: 'no-such-program' })).toMatchObject({ exitCode: 127 })
  })

  test('when its working directory is missing', async () => {
    const { perform, project } = await openBench()
    expect((await perform({ command: 'true', cwd: 'gone' })).error).toBe(
      `working directory ${project}/gone does not exist; create it or change "cwd"`,
    )
    writeFileSync(join(project, 'file'), '')
    expect((await perform({ command: 'true', cwd: 'file' })).error).toMatch(/\/file is not a directory; /)
  })

  test.each([
    [{ command: ' ' }, '"command": expected a command, got " "'],
    [{ command: 'a\0b' }, '"command": expected a string without null characters, got "a\\u0000b"'],
    [
      { command: 'x', arguments: 'y' },
      '"arguments": expected a list of strings such as ["--all", "two words"], got "y"',
    ],
    [
      { command: 'x', arguments: [1] },
      '"arguments.0": expected a list of strings such as ["--all", "two words"], got 1',
    ],
    [{ command: 'x', env: { A: 1 } }, '"env.A": expected an object of strings such as {"MODE": "full"}, got 1'],
    [
      { command: 'x', env: { 'A=B': '1' } },
      '"env.A=B": expected an object of strings such as {"MODE": "full"}, got "A=B"',
    ],
    [{ command: 'x', timeout: 'soon' }, '"timeout": expected a duration such as "90s" or "10m", got "soon"'],
  ])('when a value is invalid: %j', async (values, error) => {
    expect(await performOne(values as never)).toMatchObject({ status: 'failed', error })
  })
})

describe('a command that is canceled', () => {
  test('leaves no process behind', async () => {
    const { start } = await openBench()
    const running = await start({ command: 'echo "group $$"; sleep 600 & sleep 600; true' })
    const group = () => /^group (\d+)$/m.exec(running.log)?.[1]
    await until(() => group() !== undefined, 'the command has started')
    expect((await running.cancel('ada')).task).toMatchObject({ status: 'canceled', exitCode: null })
    expect(livingProcesses(group()!)).toEqual([])
  })
})

test('the limit of the worker comes ten seconds after that of the settings', () => {
  const { timeout, taskTimeout } = exec as unknown as Record<string, (given: object) => string | undefined>
  for (const limit of [timeout!, taskTimeout!]) expect(limit({ timeout: '10m' })).toBe('610000ms')
  expect(timeout!({})).toBeUndefined()
})
