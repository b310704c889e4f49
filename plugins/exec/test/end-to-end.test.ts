import { mkdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import { unwrapped } from '../../../test/support/unwrapped.ts'

test('an enqueued command runs relative to the current folder', async () => {
  const project = new TestProject()
  project.write('ops.config.json', '{ "plugins": { "exec": {} } }')
  mkdirSync(project.path('sub/deep'), { recursive: true })
  const added = await project.opsWith(
    { cwd: project.path('sub/deep') },
    'enqueue',
    'exec',
    '--command',
    'pwd',
    '--cwd',
    '..',
  )
  expect(added).toMatchObject({ exitCode: 0, stdout: 'exec 1' })
  const args = ['--command', 'sh', '--arguments', '["-c", "echo $MODE; exit 7"]', '--env', '{"MODE": "full"}']
  await project.ops('enqueue', 'exec', ...args, '--timeout', '10m')
  expect(await project.ops('worker', '--drain')).toMatchObject({ stderr: '' })
  expect(project.rows('select status, exit_code, output_tail, error from commands')).toEqual([
    { status: 'succeeded', exit_code: 0, output_tail: project.path('sub'), error: null },
    {
      status: 'failed',
      exit_code: 7,
      output_tail: 'full',
      error: "`sh -c 'echo $MODE; exit 7'` failed with exit code 7: full",
    },
  ])
})

test('invalid values are refused before anything is written', async () => {
  const project = new TestProject()
  const { exitCode, stderr } = await project.ops(
    'enqueue',
    'exec',
    '--command',
    'x',
    '--arguments',
    '{}',
    '--timeout',
    '5',
  )
  expect(exitCode).toBe(2)
  expect(unwrapped(stderr)).toContain('arguments: expected a list of strings such as ["--all", "two words"]')
  expect(unwrapped(stderr)).toContain('timeout: expected a duration such as "90s" or "10m", got "5"')
})

test('--wait exits as the command did', async () => {
  const project = new TestProject()
  project.start('worker')
  const done = await project.ops('enqueue', 'exec', '--command', 'echo hello', '--wait')
  expect(done).toMatchObject({ exitCode: 0 })
  expect(done.stdout).toContain('hello')
  expect(await project.ops('enqueue', 'exec', '--command', 'exit 2', '--wait')).toMatchObject({ exitCode: 1 })
})
