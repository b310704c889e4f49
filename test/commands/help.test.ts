import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import pjson from '../../package.json' with { type: 'json' }
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

const commands = join(import.meta.dirname, '..', '..', 'src', 'commands')

const run = join(import.meta.dirname, '..', '..', 'bin', 'run.js')

/** A Node too old for ops, where this machine has one. */
const oldNode = '/usr/bin/node'
const oldMajor = Number(spawnSync(oldNode, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.split('.')[0])

describe('ops', () => {
  it.each(['--version', '-v', '-V'])('says its name and version with %s', async (flag) => {
    const { stdout, exitCode } = await new TestProject().ops(flag)
    expect(exitCode).toBe(0)
    expect(stdout).toBe(`@ops-cli/core/${pjson.version} ${process.platform}-${process.arch} node-${process.version}`)
  })

  it.each([['--help'], ['-h'], ['help'], []])('lists its commands with %s', async (...flags) => {
    const { stdout, stderr, exitCode } = await new TestProject().ops(...flags)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.match(/^[A-Z]+$/gm)).toEqual(['USAGE', 'RUN', 'TASKS', 'PROJECT', 'SERVER', 'PLUGINS'])
    const listed = [...stdout.matchAll(/^ {2}([a-z-]+(?: [a-z-]+)?) {2,}\S/gm)].map(([, name]) => name)
    expect(listed).toEqual(expect.arrayContaining(['enqueue', 'tasks', 'migrate', 'env check', 'worker', 'plugins']))
    expect(new Set(listed).size).toBe(listed.length)
    expect(stdout).not.toMatch(/wait-ready|tasks show/)
  })

  it('takes --json with each of its commands', async () => {
    const files = readdirSync(commands, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(20)
    for (const file of files) {
      const { default: command } = await import(join(commands, file))
      // This one prints JSON lines itself.
      const isPrintedByOclif = file !== 'start-services.ts'
      expect([command.enableJsonFlag, command.baseFlags.json.type], file).toEqual([isPrintedByOclif, 'boolean'])
    }
  })

  it('lists the command of a plugin in the group that it names', async () => {
    const { stdout } = await new TestProject().ops('--help')
    expect(stdout).toMatch(/\nSERVER\n(?: {2}.*\n)+ {2}releases /)
  })

  it('lists subcommands with their topic, and shows the help of each by either separator', async () => {
    const project = new TestProject()
    expect((await project.ops('tasks', '--help')).stdout).toMatch(/^ {2}tasks show {2,}\S/m)
    const { stdout } = await project.ops('help', 'tasks', 'show')
    expect(stdout).toContain('$ ops tasks show PROCESSOR ID')
    expect((await project.ops('help', 'tasks:show')).stdout).toBe(stdout)
    const unknown = await project.ops('help', 'strat')
    expect(unknown).toMatchObject({ exitCode: 2, stdout: '' })
    expect(unknown.stderr).toBe('Error: Unknown command "strat". Did you mean "start-services"?\nTry: ops --help')
  })

  it('shows the sections of a command in one order, its summary once, and defaults behind the text', async () => {
    const { stdout } = await new TestProject().ops('logs', '--help')
    const sections = ['USAGE', 'ARGUMENTS', 'FLAGS', 'GLOBAL FLAGS', 'DESCRIPTION', 'EXAMPLES']
    expect(stdout.match(/^[A-Z ]+$/gm)).toEqual(sections)
    expect(stdout.match(/Show the output of development services\./g)).toHaveLength(1)
    expect(stdout).toMatch(/^ {2}\[SERVICE\.\.\.\] .* \[default: all\]$/m)
    expect(stdout).toMatch(/--lines=<n> +last lines to show of each service \[default: 100\]$/m)
  })

  it('fills the lines of a description, wherever they are broken in the source', async () => {
    const { stdout } = await new TestProject().ops('plugins', '--help')
    expect(stdout).toContain('plugins belong to the project\n  and are kept in .ops/plugins; elsewhere')
  })

  it('names the command that was probably meant, does not run it, and exits 2', async () => {
    const { stdout, stderr, exitCode } = await new TestProject().ops('enqeue', 'build', '--repository', 'x')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toBe('Error: Unknown command "enqeue". Did you mean "enqueue"?\nTry: ops --help')
  })

  it('names no command where none is near', async () => {
    const { stderr, exitCode } = await new TestProject().ops('frobnicate')
    expect(exitCode).toBe(2)
    expect(stderr).toBe('Error: Unknown command "frobnicate".\nTry: ops --help')
  })

  it.each([[['plugins', 'install', 'x']], [['plugins:install', 'x']]])('takes %j as one command', async (command) => {
    const { stdout, exitCode } = await new TestProject().ops(...command, '--help')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Install plugins, or all plugins in the lock file\./)
  })

  it('ends without a word when its reader leaves', async () => {
    const { env, directory } = new TestProject()
    const script = `"$0" "$1" --help | head -1; echo "\${PIPESTATUS[0]}"`
    const options = { env, cwd: directory, extendEnv: false }
    const { stdout, stderr } = await execa('bash', ['-c', script, process.execPath, run], options)
    expect(stderr).toBe('')
    expect(stdout.split('\n').at(-1)).toBe('0')
  })

  it.each([
    ['into a pipe', {}],
    ['with NO_COLOR, even where colours are forced', { NO_COLOR: '1', FORCE_COLOR: '1' }],
  ])('writes no escape codes %s', async (_, env) => {
    const project = new TestProject()
    for (const args of [['--help'], ['migrate'], ['migrate', '--json'], ['enqueue', 'biuld'], ['worker', '--drain']]) {
      const { stdout, stderr } = await project.opsWith({ env }, ...args)
      expect(`${stdout}${stderr}`).not.toContain('\u001b')
    }
  })

  it(
    'refuses an older Node with one line',
    unless(oldMajor < 22 ? undefined : `there is no old Node in ${oldNode}`),
    async () => {
      const { stdout, stderr, exitCode } = await new TestProject().opsProcessWith({ node: oldNode }, '--version')
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
      expect(stderr).toMatch(/^Error: ops needs Node 22\.18 or newer; this is v\d+\.\d+\.\d+ \(\/usr\/bin\/node\)\.$/)
    },
  )
})

describe('ops enqueue --help', () => {
  it('shows the columns of the processor that it is asked about', async () => {
    const { stdout, exitCode } = await new TestProject().ops('enqueue', 'build', '--help')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Build a git repository and keep the result\./)
    expect(stdout).toContain('$ ops enqueue build --repository <text>')
    expect(stdout).not.toMatch(/enqueue:|; default/)
    expect(stdout).toMatch(/--repository=<text> +\(required\) git URL or path/)
    expect(stdout).toMatch(/--ref=<text> +branch, tag or commit \[default: HEAD\]/)
  })

  it('shows each kind of column', async () => {
    const project = await TestProject.withProbe()
    const { stdout } = await project.ops('help', 'enqueue', 'sample')
    expect(stdout).toMatch(/--title=<text> +\(required\) title of the sample/)
    expect(stdout).toMatch(/--piece-count=<integer> +\[default: 1\]/)
    expect(stdout).toMatch(/--weight=<real>/)
    expect(stdout).toMatch(/--\[no-\]is-fragile/)
    expect(stdout).toMatch(/--labels=<json>$/m)
    expect(stdout).toMatch(/--taken-at=<time>/)
    expect(stdout).toMatch(/--size=<small\|large> +\[default: small\]/)
    expect(stdout).toMatch(/--ordinary-id=<id of ordinaries>/)
  })

  it('says which processor there is not, and why one cannot be shown', async () => {
    const project = new TestProject()
    const unknown = await project.ops('enqueue', 'biuld', '--help')
    expect(unknown.exitCode).toBe(2)
    expect(unknown.stderr).toContain('Did you mean "build"?')
    project.link(writePlugin('broken', `throw new Error('boom at import')`))
    const broken = await project.ops('enqueue', 'broken', '--help')
    expect(broken.exitCode).toBe(1)
    expect(unwrapped(broken.stderr)).toContain('boom at import')
  })
})
