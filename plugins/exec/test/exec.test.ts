import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { AbortReason } from '../../../src/worker/abort-reason.ts'
import { until } from '../../../test/support/until.ts'
import exec from '../src/exec.ts'
import { performOne, workshop } from './support.ts'

describe('a command', () => {
  test('is for a shell, and its last lines and its exit code are in the row', async () => {
    const row = await performOne({ command: 'echo one; echo "t""wo" >&2 && echo three | tr a-z A-Z' })
    expect(row).toMatchObject({ status: 'succeeded', exitCode: 0, outputTail: 'one\ntwo\nTHREE', error: null })
    expect(row.log).toBe('$ echo one; echo "t""wo" >&2 && echo three | tr a-z A-Z\none\ntwo\nTHREE\n')
  })

  test('with arguments is a program, which is given them as they are', async () => {
    const given = ['%s\\n', '', 'two words', '$HOME', "it's", '; exit 3', '*']
    const row = await performOne({ command: 'printf', arguments: given })
    expect(row).toMatchObject({ status: 'succeeded', exitCode: 0, outputTail: "two words\n$HOME\nit's\n; exit 3\n*" })
    expect(row.log).toContain(`$ printf '%s\\n' '' 'two words' '$HOME' 'it'\\''s' '; exit 3' '*'\n`)
  })

  test('without arguments, but not for a shell, takes an empty list', async () => {
    expect(await performOne({ command: 'pwd', arguments: [] })).toMatchObject({ exitCode: 0 })
    expect(await performOne({ command: 'exit 0', arguments: [] })).toMatchObject({ status: 'failed' })
  })

  test('runs in the project, or where it says, relative to the project', async () => {
    const { perform, project } = await workshop()
    mkdirSync(join(project, 'sub'))
    expect((await perform({ command: 'pwd' })).outputTail).toBe(project)
    expect((await perform({ command: 'pwd', cwd: 'sub' })).outputTail).toBe(join(project, 'sub'))
    expect((await perform({ command: 'pwd', cwd: '/' })).outputTail).toBe('/')
  })

  test('prints as much as it likes, of which the row keeps the end, as a terminal shows it', async () => {
    const script = `seq 1 100000; printf '10%%\\r20%%\\r\\n\\n\\033[31mred\\033[0m\\0\\n'; printf %600s x | tr ' ' y`
    const { outputTail } = await performOne({ command: script })
    const lines = outputTail!.split('\n')
    expect(lines).toHaveLength(20)
    expect(lines.slice(0, 2)).toEqual(['99984', '99985'])
    expect(lines.slice(-3)).toEqual(['20%', 'red', `${'y'.repeat(499)}…`])
  })

  test('that prints nothing has no last lines', async () => {
    expect(await performOne({ command: 'true' })).toMatchObject({ exitCode: 0, outputTail: null })
  })

  test('is given to the shell of the settings', async () => {
    const { outputTail } = await performOne({ command: 'echo "$0"' }, { shell: 'bash' })
    expect(outputTail).toBe('bash')
  })
})

describe('a command sees', () => {
  test('the variables of the task before those of the settings, and no secret of the worker', async () => {
    for (const name of ['SHOP_SECRET', 'OPS_DATABASE_URL', 'PGPASSWORD']) vi.stubEnv(name, 'secret')
    vi.stubEnv('REGION', 'north')
    const settings = { env: { MODE: 'fast', LEVEL: '1' }, passEnv: ['REGION'] }
    const { log } = await performOne({ command: 'env', env: { MODE: 'full', EMPTY: '' } }, settings)
    vi.unstubAllEnvs()
    for (const line of ['MODE=full', 'LEVEL=1', 'REGION=north', 'EMPTY=', 'OPS_RUN_ID=1', 'OPS_TASK=exec 1'])
      expect(log).toContain(`\n${line}\n`)
    expect(log).not.toContain('=secret')
  })
})

describe('a command fails', () => {
  test('with its exit code and its last lines in the row', async () => {
    const row = await performOne({ command: 'for i in 1 2 3 4; do echo "line $i"; done; exit 3' })
    expect(row).toMatchObject({
      status: 'failed',
      exitCode: 3,
      outputTail: 'line 1\nline 2\nline 3\nline 4',
      error: '`for i in 1 2 3 4; do echo "line $i"; done; exit 3` failed with exit code 3: line 2 | line 3 | line 4',
    })
  })

  test('when a signal ends it, without an exit code', async () => {
    const row = await performOne({ command: 'echo going; kill -9 $$' })
    expect(row).toMatchObject({ status: 'failed', exitCode: null, outputTail: 'going' })
    expect(row.error).toBe('`echo going; kill -9 $$` was ended by SIGKILL: going')
  })

  test('when it takes longer than it may, and what it has started ends too', async () => {
    const { perform, project } = await workshop({ timeout: '1h' })
    const command = `echo "$$" > group; echo begun; sleep 600; echo never`
    const row = await perform({ command, timeout: '0.3s' })
    expect(row).toMatchObject({ status: 'failed', exitCode: null, outputTail: 'begun' })
    expect(row.error).toMatch(/ timed out after 0.3s: begun$/)
    expect(livingIn(execFileSync('cat', [join(project, 'group')], { encoding: 'utf8' }).trim())).toEqual([])
  })

  test('when the settings allow it less than the task', async () => {
    const row = await performOne({ command: 'sleep 600', timeout: '1h' }, { timeout: '100ms' })
    expect(row.error).toBe('`sleep 600` timed out after 100ms')
  })

  test('when there is no such program, or it cannot be run', async () => {
    const { perform, project } = await workshop()
    expect((await perform({ command: 'no-such-program', arguments: ['x'] })).error).toBe(
      '`no-such-program x` could not be run: there is no program "no-such-program"; name its whole path, or leave "arguments" out for a shell',
    )
    writeFileSync(join(project, 'script'), 'x')
    expect((await perform({ command: './script', arguments: [] })).error).toBe(
      '`./script` could not be run: "./script" is not executable',
    )
    expect(await perform({ command: 'no-such-program' })).toMatchObject({ exitCode: 127 })
  })

  test('when its folder is not there', async () => {
    const { perform, project } = await workshop()
    expect((await perform({ command: 'true', cwd: 'gone' })).error).toBe(
      `the working directory ${project}/gone does not exist; make it, or set "cwd" to one that is there`,
    )
    writeFileSync(join(project, 'file'), '')
    expect((await perform({ command: 'true', cwd: 'file' })).error).toMatch(/\/file is no folder; /)
  })

  test.each([
    [{ command: ' ' }, '"command" must not be empty, and cannot be " "'],
    [{ command: 'a\0b' }, '"command" must not hold a null character, and cannot be "a\\u0000b"'],
    [
      { command: 'x', arguments: 'y' },
      '"arguments" must be a list of texts, as in ["--all", "two words"], and cannot be "y"',
    ],
    [
      { command: 'x', arguments: [1] },
      '"arguments" must be a list of texts, as in ["--all", "two words"], and cannot be [1]',
    ],
    [
      { command: 'x', env: { A: 1 } },
      '"env" must be an object of texts, as in {"MODE": "full"}, and cannot be {"A":1}',
    ],
    [
      { command: 'x', env: { 'A=B': '1' } },
      '"env" must be an object of texts, as in {"MODE": "full"}, and cannot be {"A=B":"1"}',
    ],
    [{ command: 'x', timeout: 'soon' }, '"timeout" must be a duration such as 90s, 10m or 2h, and cannot be "soon"'],
  ])('when the row is wrong, whoever wrote it: %j', async (values, error) => {
    expect(await performOne(values as never)).toMatchObject({ status: 'failed', error })
  })
})

describe('a command that is canceled', () => {
  test('leaves no process behind', async () => {
    const { start } = await workshop()
    const { context, log, ended } = await start({ command: 'echo "group $$"; sleep 600 & sleep 600; true' })
    const group = () => /^group (\d+)$/m.exec(log())?.[1]
    await until(() => group() !== undefined, 'the command has begun')
    context.abort(AbortReason.canceled('ada'))
    expect(await ended).toMatchObject({ status: 'canceled', exitCode: null })
    expect(livingIn(group()!)).toEqual([])
  })
})

test('ops stands behind the limit of the settings', () => {
  const { timeout } = exec as unknown as { timeout: (settings: object) => string | undefined }
  expect(timeout({ timeout: '10m' })).toBe('660000ms')
  expect(timeout({})).toBeUndefined()
})

/** Zombies aside: in a container nobody may collect them. */
function livingIn(group: string): string[] {
  const processes = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return processes.filter((line) => line.trim().startsWith(`${group} `) && !/^\s*\d+\s+Z/.test(line))
}
