import { describe, expect, it } from 'vitest'
import { pluginPackage } from '../support/plugin-package.ts'
import { opsProgram } from '../support/run-ops.ts'
import { Terminal, terminalMissing } from '../support/terminal.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'

describe('a wrong command line', () => {
  it.each([
    [['tasks', 'show', 'build'], 'Missing argument <id>.', 'ops tasks show --help'],
    [['tasks', 'show'], 'Missing arguments <processor>, <id>.', 'ops tasks show --help'],
    [['tasks', 'show', 'build', '1', 'x', 'y'], 'Unexpected arguments "x", "y".', 'ops tasks show --help'],
    [['holds', 'x'], 'Unexpected argument "x".', 'ops holds --help'],
    [['tasks', '--tabel', 'builds'], 'Unknown flag "--tabel". Did you mean "--table"?', 'ops tasks --help'],
    [['audit', '--limit'], 'Missing value for --limit.', 'ops audit --help'],
    [['audit', '--limit', 'x'], '--limit: expected a whole number, got "x".', 'ops audit --help'],
    [['audit', '--limit', '0'], '--limit: expected a whole number of at least 1, got "0".', 'ops audit --help'],
    [['audit', '--limit', '1', '--limit', '2'], '--limit is given more than once.', 'ops audit --help'],
    [['audit', '--table', 'x', '--task', 'y 1'], '--task cannot be used with --table.', 'ops audit --help'],
  ])('%j is one sentence and what to try, with 2', async (argv, message, suggestion) => {
    const project = new TestProject()
    const { stdout, stderr, exitCode } = await project.ops(...argv)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toBe(`Error: ${message}\nTry: ${suggestion}`)
    const json = await project.ops(...argv, '--json')
    expect(JSON.parse(json.stdout).error).toMatchObject({ severity: 'error', message, suggestions: [suggestion] })
    expect(json.exitCode).toBe(2)
  })
})

describe('an error', () => {
  it('is a problem in JSON even where no command is known', async () => {
    const { stdout, stderr, exitCode } = await new TestProject().ops('frobnicate', '--json')
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 2 })
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'UNKNOWN_COMMAND',
        severity: 'error',
        message: 'Unknown command "frobnicate".',
        suggestions: ['ops --help'],
      },
    })
  })

  it('shows its stack where it is a bug, and only there', async () => {
    const command = (body: string) => `import { OpsCommand } from '@ops-cli/core/command'
export default class extends OpsCommand { async run() { await this.parse(); ${body} } }`
    const project = TestProject.withConfig()
    const root = pluginPackage('note', {
      manifest: { oclif: { commands: './dist/commands' } },
      files: {
        'dist/commands/bug.js': command('undefined.x()'),
        'dist/commands/refused.js': command("this.error('no luck', { exit: 3, suggestions: ['wait'] })"),
      },
    })
    expect((await project.ops('plugins', 'link', root)).exitCode).toBe(0)
    const bug = await project.ops('bug')
    expect(bug.stderr).toMatch(/^Error: TypeError: Cannot read properties of undefined .*\n +at .*bug\.js:/)
    expect(await project.ops('refused')).toMatchObject({ exitCode: 3, stderr: 'Error: no luck\nWait.' })
  })

  it('is coloured, and wrapped between words, on a terminal', unless(terminalMissing), async () => {
    const { env, directory } = new TestProject()
    const argv = [process.execPath, opsProgram, 'enqueue', 'biuld']
    const terminal = new Terminal(argv, { cwd: directory, env: { ...env, NO_COLOR: undefined }, columns: 40 })
    expect(await terminal.exit).toBe(2)
    expect(terminal.written).toContain('\u001b[31mError:\u001b[39m Unknown processor "biuld".')
    expect(terminal.lines.slice(0, 2)).toEqual(['Error: Unknown processor "biuld". Did', 'you mean "build"?'])
    expect(terminal.lines.filter((line) => line.length > 40)).toEqual([])
  })
})
