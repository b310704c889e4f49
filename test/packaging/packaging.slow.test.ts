import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pjson from '../../package.json' with { type: 'json' }
import { linkModules } from '../support/link-modules.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { TestProject } from '../support/test-project.ts'

const root = dirname(dirname(import.meta.dirname))
const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

let folder: string
/** A checkout of its own, so that the build is in nobody's way. */
let checkout: string
/** An application that has installed ops, and beside it nothing but ops' own dependencies. */
let application: string
let installed: string
let packed: string[]

beforeAll(async () => {
  folder = makeFolder()
  checkout = join(folder, 'checkout')
  application = join(folder, 'application')
  installed = join(application, 'node_modules', '@ops-cli', 'core')
  copyCheckout()
  await execa('npm', ['pack', '--pack-destination', folder], { cwd: checkout })
  const tarball = join(folder, `ops-cli-core-${pjson.version}.tgz`)
  const { stdout } = await execa('tar', ['-tzf', tarball])
  packed = stdout.split('\n').map((path) => path.replace(/^package\//, ''))
  mkdirSync(installed, { recursive: true })
  await execa('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
  linkModules(application, Object.keys(pjson.dependencies))
})

afterAll(() => removeFolder(folder))

function copyCheckout(): void {
  mkdirSync(checkout)
  const isKept = (path: string) => !/\/(node_modules|dist|\.ops|\.git)$/.test(path)
  for (const entry of readdirSync(root).filter(
    (name) => !/^(node_modules|dist|\.git|.*\.tgz|oclif\.manifest\.json)$/.test(name),
  ))
    cpSync(join(root, entry), join(checkout, entry), { recursive: true, filter: isKept })
  const modules = readdirSync(join(root, 'node_modules')).filter((name) => name !== '@ops-cli')
  linkModules(checkout, modules)
  mkdirSync(join(checkout, 'node_modules', '@ops-cli'))
  symlinkSync(checkout, join(checkout, 'node_modules', '@ops-cli', 'core'))
}

describe('the package', () => {
  it('holds what runs and what is read', () => {
    const files = [
      'package.json',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'oclif.manifest.json',
      'bin/run.js',
      'bin/start.js',
    ]
    expect(packed).toEqual(
      expect.arrayContaining([...files, 'dist/index.js', 'dist/index.d.ts', 'dist/commands/worker.js']),
    )
    expect(packed).toContain('dist/queue/sqlite/migrations/0000_core.sql')
  })

  it.each(plugins)('holds the plugin %s, compiled, with its migrations', (plugin) => {
    const own = packed
      .filter((path) => path.startsWith(`plugins/${plugin}/`))
      .map((path) => path.split('/').slice(2).join('/'))
    expect(own).toEqual(expect.arrayContaining(['package.json', 'README.md', `dist/${plugin}.js`]))
    for (const database of ['sqlite', 'postgres']) {
      const migrations = readdirSync(join(root, 'plugins', plugin, 'migrations', database)).filter((name) =>
        name.endsWith('.sql'),
      )
      expect(own).toEqual(expect.arrayContaining(migrations.map((name) => `migrations/${database}/${name}`)))
    }
  })

  it('holds the templates, as far as there are any', () => {
    const templates = existsSync(join(root, 'templates'))
      ? readdirSync(join(root, 'templates'), { recursive: true, withFileTypes: true })
      : []
    const files = templates.filter((entry) => entry.isFile())
    const paths = files.map(({ parentPath, name }) => relative(root, join(parentPath, name)))
    expect(packed.filter((path) => path.startsWith('templates/')).toSorted()).toEqual(paths.toSorted())
  })

  it('holds nothing else: no sources, tests, examples or configuration of tools', () => {
    const sources = packed.filter(
      (path) => /\.ts$/.test(path) && !/\.d\.ts$/.test(path) && !path.startsWith('templates/'),
    )
    expect(sources).toEqual([])
    const top = new Set(packed.map((path) => path.split('/')[0]))
    const expected = [
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'bin',
      'dist',
      'docs',
      'oclif.manifest.json',
      'package.json',
      'plugins',
      'templates',
    ]
    expect([...top].filter((name) => !expected.includes(name!))).toEqual([])
    const own = packed.filter((path) => !path.startsWith('templates/'))
    expect(
      own.filter((path) => /(^|\/)(src|test|tests|meta|node_modules)\/|\.test\.|tsconfig|\.map$/.test(path)),
    ).toEqual([])
  })

  it('names in its manifest each command that it has', async () => {
    const manifest = await import(join(installed, 'oclif.manifest.json'), { with: { type: 'json' } })
    const files = readdirSync(join(root, 'src', 'commands'), { recursive: true, encoding: 'utf8' })
    const commands = files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.replace(/(\/index)?\.ts$/, '').replaceAll('/', ':'))
    expect(Object.keys(manifest.default.commands).sort()).toEqual(commands.sort())
    expect(manifest.default.version).toBe(pjson.version)
  })
})

describe('ops, installed from the package', () => {
  function installedProject(): TestProject {
    return new TestProject(join(installed, 'bin', 'run.js'))
  }

  it('says its version and lists its commands, those of oclif included', async () => {
    const project = installedProject()
    expect((await project.ops('--version')).stdout).toMatch(new RegExp(`^@ops-cli/core/${pjson.version} `))
    const { stdout, stderr, exitCode } = await project.ops('--help')
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(stdout).toMatch(/^ {2}enqueue /m)
    expect(stdout).toMatch(/^ {2}plugins /m)
    expect((await project.ops('wroker')).stderr).toContain('Did you mean "worker"?')
  })

  it('migrates, adds a build and performs it', async () => {
    const project = installedProject()
    expect(await project.ops('migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    const git = ['-c', 'user.name=x', '-c', 'user.email=x@example.com', '-C', project.path('repository')]
    project.write('repository/file', 'text')
    await execa('git', [...git, 'init', '--quiet'])
    await execa('git', [...git, 'add', '.'])
    await execa('git', [...git, 'commit', '--quiet', '--message', 'x'])
    const added = await project.ops('enqueue', 'build', '--repository', project.path('repository'), '--command', 'true')
    expect(added).toMatchObject({ exitCode: 0, stdout: 'build 1' })
    expect(await project.ops('worker', '--drain')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(project.rows('select status, error from builds')).toEqual([{ status: 'succeeded', error: null }])
  })

  it('shows the columns of a processor', async () => {
    const { stdout, exitCode } = await installedProject().ops('enqueue', 'build', '--help')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('--repository=<text>')
  })

  it('gives a linked plugin its own copy of ops and of Drizzle', async () => {
    const project = installedProject()
    const plugin = join(folder, 'plugin-notes')
    writeNotesPlugin(plugin)
    project.link({ name: 'ops-plugin-notes', root: plugin })
    expect((await project.ops('enqueue', 'note', '--text', 'x')).stdout).toBe('note 1')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, error, length from notes')).toEqual([
      { status: 'succeeded', error: null, length: 1 },
    ])
  })

  it('begins a plugin whose types are right and whose test passes', async () => {
    const project = installedProject()
    const generated = await project.ops('generate', 'processor', 'email', '--column', 'recipient:text!', '--yes')
    expect(generated).toMatchObject({ exitCode: 0, stderr: '' })
    const plugin = project.path('ops-plugin-email')
    const { devDependencies } = JSON.parse(project.read('ops-plugin-email/package.json'))
    expect(devDependencies['@ops-cli/core']).toBe(`file:${installed}`)
    linkModules(plugin, ['@types/node', 'typescript', '.bin/tsc'])
    mkdirSync(join(plugin, 'node_modules', '@ops-cli'))
    symlinkSync(installed, join(plugin, 'node_modules', '@ops-cli', 'core'))
    expect(await execa('npm', ['test'], { cwd: plugin, reject: false })).toMatchObject({ exitCode: 0 })
  })

  it('types a plugin', async () => {
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    writeNotesPlugin(join(application, 'plugin'))
    linkModules(application, ['@types/node'])
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      noEmit: true,
      types: ['node'],
      skipLibCheck: true,
    }
    const tsconfig = join(application, 'tsconfig.json')
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, include: ['plugin/src'] }))
    const right = await execa(tsc, ['-p', tsconfig, '--traceResolution'], { reject: false })
    expect(right).toMatchObject({ exitCode: 0 })
    expect(right.stdout).toContain(
      `'@ops-cli/core' was successfully resolved to '${join(installed, 'dist', 'index.d.ts')}'`,
    )
    writeFileSync(
      join(application, 'plugin', 'src', 'wrong.ts'),
      `import { notes } from './note.js'\nnotes.$inferInsert.text satisfies number\n`,
    )
    const wrong = await execa(tsc, ['-p', tsconfig], { reject: false })
    expect(wrong.stdout).toContain(`Type 'string' does not satisfy the expected type 'number'`)
  })
})

describe('a checkout that was built', () => {
  it('goes on running from its sources', async () => {
    expect(existsSync(join(checkout, 'dist', 'commands', 'migrate.js'))).toBe(true)
    writeFileSync(join(checkout, 'dist', 'commands', 'migrate.js'), 'throw new Error("stale")')
    writeFileSync(join(checkout, 'plugins', 'build', 'dist', 'build.js'), 'throw new Error("stale")')
    expect(await new TestProject(join(checkout, 'bin', 'run.js')).ops('migrate')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
  })
})

function writeNotesPlugin(at: string): void {
  mkdirSync(join(at, 'src'), { recursive: true })
  mkdirSync(join(at, 'migrations', 'sqlite'), { recursive: true })
  const ops = { api: 1, processors: { note: './dist/note.js' }, migrations: './migrations' }
  writeFileSync(
    join(at, 'package.json'),
    JSON.stringify({ name: 'ops-plugin-notes', version: '1.0.0', type: 'module', oclif: {}, ops }),
  )
  writeFileSync(
    join(at, 'src', 'note.ts'),
    `import { defineProcessor, taskTable } from '@ops-cli/core'

export const notes = taskTable('notes', (column) => ({ text: column.text().notNull(), length: column.integer() }))

export default defineProcessor({
  name: 'note',
  table: notes,
  async perform(task, { database }) {
    const [row] = await database.select({ text: notes.sqlite.text }).from(notes.sqlite)
    return { length: row.text.length }
  },
})
`,
  )
  writeFileSync(
    join(at, 'migrations', 'sqlite', '0000_notes.sql'),
    `create table notes (id integer primary key, status text not null default 'pending', created_at integer not null default 0,
      run_at integer not null default 0, attempt integer not null default 0, started_at integer, finished_at integer,
      error text, progress real, progress_note text, text text not null, length integer)`,
  )
}
