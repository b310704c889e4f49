import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createTable } from '../../src/task-table/create-table.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { packed, pluginPackage } from '../support/plugin-package.ts'
import { connect, postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { taskProcesses } from '../support/task-processes.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { notLinux, unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { unwrapped } from '../support/unwrapped.ts'

const onLinux = unless(notLinux)

const resizes = taskTable('resizes', (column) => ({
  source: column.text().notNull(),
  width: column.integer(),
  ratio: column.real(),
  note: column.text(),
}))

interface Program {
  /** The text of `work.sh`. */
  readonly sh?: string
  /** The text of `work.js`, instead. */
  readonly js?: string
  readonly command?: readonly string[]
  /** The rest of the declaration. */
  readonly rules?: object
}

/** The folder of a plugin whose one processor, `resize`, is a program. */
function programPlugin({ sh = '', js, command, rules }: Program): string {
  const program = command ?? (js === undefined ? ['sh', 'work.sh'] : [process.execPath, 'work.js'])
  const ops = {
    api: 1,
    processors: { resize: { command: program, table: 'resizes', ...rules } },
    migrations: './migrations',
  }
  const migration = createTable(resizes, 'sqlite').join('\n--> statement-breakpoint\n')
  return pluginPackage('resize', {
    manifest: { ops },
    files: { 'work.sh': sh, 'work.js': js ?? '', 'migrations/sqlite/0000_resizes.sql': migration },
  })
}

async function withProgram(program: Program, config = {}): Promise<TestProject> {
  const project = new TestProject()
  project.write('ops.config.json', JSON.stringify(config))
  project.link({ name: 'ops-plugin-resize', root: programPlugin(program) })
  await project.ops('migrate')
  return project
}

function add(project: TestProject, source = 'cat.png'): void {
  project.database.prepare('insert into resizes (source) values (?)').run(source)
}

/** What became of one task. */
async function performed(program: Program, source?: string): Promise<Record<string, unknown>> {
  const project = await withProgram(program)
  add(project, source)
  const { exitCode, stderr } = await project.ops('worker', '--drain')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return project.rows('select status, error, width, ratio, note from resizes')[0]!
}

/** A program whose family goes on for ever, and says who it is. */
const family = `cd "$OPS_PROJECT"
echo $$ > shell.pid; sleep 120 & echo $! > child.pid
setsid sh -c 'echo $$ > far.pid; exec sleep 120' & wait`
const members = ['shell.pid', 'child.pid', 'far.pid']

describe('a processor that is a program', () => {
  it('gets its task as JSON, and the columns that it prints are written together with succeeded', async () => {
    const project = await withProgram(
      {
        js: `import { readFileSync, writeFileSync } from 'node:fs'
const task = JSON.parse(readFileSync(0, 'utf8'))
const { OPS_TASK, OPS_RUN_ID, OPS_SETTINGS, OPS_PROJECT } = process.env
const seen = { task, cwd: process.cwd(), OPS_TASK, OPS_RUN_ID, OPS_PROJECT, settings: JSON.parse(OPS_SETTINGS) }
writeFileSync(OPS_PROJECT + '/seen.json', JSON.stringify(seen))
console.log('resizing…')
console.log(JSON.stringify({ width: task.source.length, ratio: 0.5, note: 'täglich ✓' }))`,
        rules: { summary: 'Make a picture smaller', priority: 7 },
      },
      { plugins: { resize: { quality: 80 } } },
    )
    expect((await project.ops('enqueue', 'resize', '--source', 'cat.png')).stdout).toBe('resize 1')
    await project.ops('worker', '--drain')
    expect(project.rows('select status, error, width, ratio, note, attempt from resizes')).toEqual([
      { status: 'succeeded', error: null, width: 7, ratio: 0.5, note: 'täglich ✓', attempt: 1 },
    ])
    const seen = JSON.parse(project.read('seen.json'))
    expect(seen).toMatchObject({
      task: { id: 1, source: 'cat.png', status: 'ongoing', attempt: 1, width: null },
      OPS_TASK: 'resize 1',
      OPS_RUN_ID: String(project.value('select id from ops_runs')),
      OPS_PROJECT: project.directory,
      settings: { quality: 80 },
    })
    expect(seen.cwd).toBe(JSON.parse((await project.ops('plugins:inspect', 'resize', '--json')).stdout).root)
    expect((await project.ops('tasks', 'logs', 'resize', '1')).stdout).toContain('resizing…')
    expect((await project.ops('processors')).stdout).toMatch(/^resize +ops-plugin-resize .* resizes +7 +any number$/m)
  })

  it('is installed from a tarball too, and keeps its executable files', async () => {
    const root = programPlugin({ sh: `#!/bin/sh\necho '{ "width": 3 }'`, command: ['./work.sh'] })
    chmodSync(`${root}/work.sh`, 0o755)
    const project = TestProject.withConfig()
    const { exitCode, stdout, stderr } = await project.ops('plugins:install', await packed(root))
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain('  processor resize, table resizes, needs ops migrate')
    expect((await project.ops('migrate')).exitCode).toBe(0)
    await project.ops('enqueue', 'resize', '--source', 'x')
    await project.ops('worker', '--drain')
    expect(project.rows('select error, width from resizes')).toEqual([{ error: null, width: 3 }])
  })

  it('says how far it is on file descriptor 3, as a number with words or as JSON', async () => {
    const project = await withProgram({
      sh: `cd "$OPS_PROJECT"
echo '0.25 decoding ✓' >&3; until [ -e go1 ]; do sleep 0.02; done
printf 'no report\\n' >&3
echo '{ "fraction": 0.75, "note": "encoding" }' >&3; until [ -e go2 ]; do sleep 0.02; done`,
    })
    add(project)
    const worker = project.start('worker')
    const shows = (progress: number, note: string) =>
      until(() => {
        const [row] = project.rows('select progress, progress_note from resizes')
        return row!.progress === progress && row!.progress_note === note
      }, `its progress is ${progress} ${note}`)
    await shows(0.25, 'decoding ✓')
    project.write('go1', '')
    await shows(0.75, 'encoding')
    project.write('go2', '')
    await worker.event('succeeded', 'resize 1')
  })

  it('may print nothing, or output that is not JSON', async () => {
    expect(await performed({ sh: 'echo done' })).toMatchObject({ status: 'succeeded', width: null })
    expect(await performed({ sh: ':' })).toMatchObject({ status: 'succeeded', width: null })
  })

  it('may print its JSON over several lines', async () => {
    expect(await performed({ sh: `printf '{\\n  "width": 4,\\n  "note": null\\n}\\n'` })).toMatchObject({
      status: 'succeeded',
      width: 4,
    })
  })

  it.each([
    ['{ "width": 12', 'printed { "width": 12, which is not a JSON object of columns'],
    ['[1, 2]', 'printed [1, 2], which is not a JSON object of columns'],
    ['{\\n"width": 1,\\n}', 'printed }, which is not a JSON object of columns'],
    [
      '{ "widht": 12, "height": 3 }',
      'the processor returned widht, height; the columns of "resizes" are source, width, ratio, note',
    ],
    [
      '{ "constructor": 1 }',
      'the processor returned constructor; the columns of "resizes" are source, width, ratio, note',
    ],
    [
      '{ "status": "failed" }',
      'the processor returned status; the columns of "resizes" are source, width, ratio, note',
    ],
    ['{ "width": "wide" }', 'returned "wide" for "width", which must be a whole number'],
    ['{ "width": 1.5 }', 'returned 1.5 for "width", which must be a whole number'],
    ['{ "ratio": [] }', 'returned [] for "ratio", which must be a number'],
    [
      '{ "source": null }',
      'its end could not be written, "resizes" refused its columns: NOT NULL constraint failed: resizes.source',
    ],
  ])('fails its task when it prints %s', async (printed, error) => {
    expect(await performed({ sh: `printf '${printed}\\n'` })).toEqual({
      status: 'failed',
      error,
      width: null,
      ratio: null,
      note: null,
    })
  })

  it('writes a truth value as SQLite keeps it, and anything else into a text as JSON', async () => {
    expect(await performed({ sh: `echo '{ "width": true, "ratio": 2, "note": { "a": [1] } }'` })).toMatchObject({
      status: 'succeeded',
      width: 1,
      ratio: 2,
      note: '{"a":[1]}',
    })
  })

  it.each<[string, Program, string]>([
    ['complains and exits', { sh: 'echo first >&2; echo "no such picture" >&2; exit 3' }, 'no such picture'],
    ['exits without a word', { sh: 'exit 3' }, '"sh work.sh" exited with 3'],
    ['is killed by a signal', { sh: 'kill -KILL $$' }, '"sh work.sh" was killed by SIGKILL'],
    [
      'is not on this machine',
      { command: ['python-of-nobody', 'resize.py'] },
      '"python-of-nobody resize.py" cannot be started: "python-of-nobody" is not on the PATH',
    ],
    [
      'does not exist',
      { command: ['./resize'] },
      '"./resize" cannot be started: ./resize, or the interpreter in its first line, does not exist',
    ],
    ['is not executable', { command: ['./work.sh'] }, '"./work.sh" cannot be started: ./work.sh is not executable'],
  ])('fails its task with one line when it %s', async (_, program, error) => {
    expect(await performed(program)).toMatchObject({ status: 'failed', error })
  })

  it('is tried again as it declares', async () => {
    const sh = 'test -e "$OPS_PROJECT/again" && exit 0; touch "$OPS_PROJECT/again"; exit 1'
    const project = await withProgram({ sh, rules: { retry: { attempts: 2, delay: '10ms' } } })
    add(project)
    const worker = project.start('worker')
    await worker.event('succeeded', 'resize 1')
    expect(project.rows('select status, attempt from resizes')).toEqual([{ status: 'succeeded', attempt: 2 }])
  })

  it('is refused if its declaration is wrong, with the reason', async () => {
    const project = await withProgram({ rules: { results: ['widht'], exclusiveBy: 'colour' } })
    const { stdout } = await project.ops('processors')
    expect(stdout).toContain(
      'The processor "resize" of ops-plugin-resize@1.0.0 cannot be loaded: "results" names widht, but "resizes" has no such column.',
    )
    expect(stdout).toContain('Fix "ops.processors.resize" in the package.json of ops-plugin-resize, or its migrations')
  })

  it('may name the key that it shares with other processors', async () => {
    const project = await withProgram({ rules: { exclusiveBy: { key: 'picture', column: 'source' } } })
    const { stdout } = await project.ops('processors', '--json')
    const { processors } = JSON.parse(stdout)
    const listed = processors.find(({ name }: { name: string }) => name === 'resize')
    expect(listed.exclusiveBy).toEqual({ key: 'picture', column: 'source' })
  })

  it('writes its results alone: nobody gives them when the task is added', async () => {
    const project = await withProgram({ rules: { results: ['width'] } })
    const { stderr, exitCode } = await project.ops('enqueue', 'resize', '--source', 'x', '--width', '3')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('--width')
    expect((await project.ops('enqueue', 'resize', '--help')).stdout).not.toContain('--width')
  })
})

describe('what goes through the pipes of a program', () => {
  const megabytes = 2 * 1024 * 1024

  it('may be large, both ways', async () => {
    const js = `let text = ''
process.stdin.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => {
  const { source } = JSON.parse(text)
  console.log(JSON.stringify({ width: source.length, note: source }))
})`
    const source = 'ä'.repeat(megabytes / 2)
    expect(await performed({ js }, source)).toEqual({
      status: 'succeeded',
      error: null,
      width: source.length,
      ratio: null,
      note: source,
    })
  })

  it('may be noise without end before the last line', async () => {
    const sh = `head -c 40000000 /dev/zero | tr '\\0' x | fold -w 100; echo; echo '{ "width": 5 }'`
    expect(await performed({ sh })).toMatchObject({ status: 'succeeded', width: 5 })
  })

  it('fails the task where it is more than a worker keeps', async () => {
    const sh = `printf '{ "note": "'; head -c 20000000 /dev/zero | tr '\\0' x; echo '" }'`
    expect(await performed({ sh })).toMatchObject({
      status: 'failed',
      error: 'printed a line longer than 16 MB',
      note: null,
    })
  })

  it.each([
    ['never reads it', `echo '{ "width": 1 }'`],
    ['closes it at once', `exec 0<&-; sleep 0.2; echo '{ "width": 1 }'`],
    ['reads a little of it', `head -c 10 > /dev/null; echo '{ "width": 1 }'`],
  ])('may stay there: a program that %s succeeds', async (_, sh) => {
    expect(await performed({ sh }, 'x'.repeat(megabytes))).toMatchObject({ status: 'succeeded', error: null, width: 1 })
  })

  it('reaches a program that fails without having read it, and its words count', async () => {
    const sh = 'echo "no memory" >&2; exit 1'
    expect(await performed({ sh }, 'x'.repeat(megabytes))).toMatchObject({ status: 'failed', error: 'no memory' })
  })

  it('does not wait for what the program has left in the background, which is ended', async () => {
    const project = await withProgram({
      sh: `cd "$OPS_PROJECT"; sleep 120 & echo $! > child.pid; echo '{ "width": 1 }'`,
    })
    add(project)
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.rows('select status, width from resizes')).toEqual([{ status: 'succeeded', width: 1 }])
    expect(isRunning(await project.pid('child.pid'))).toBe(false)
  })

  it('may be reports without end', async () => {
    const sh = `yes '0.5 half' | head -n 200000 >&3; head -c 3000000 /dev/zero >&3; echo '{ "width": 1 }'`
    expect(await performed({ sh })).toMatchObject({ status: 'succeeded', width: 1 })
  })
})

describe('the end of a program', () => {
  it('comes with its timeout, for all that it has started', onLinux, async () => {
    const project = await withProgram({ sh: family, rules: { timeout: '3s' } })
    add(project)
    expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
    expect(project.rows('select status, error from resizes')).toEqual([
      { status: 'failed', error: 'timed out after 3s' },
    ])
    const pids = await Promise.all(members.map((name) => project.pid(name)))
    expect(pids.filter(isRunning)).toEqual([])
    expect(taskProcesses(project.directory)).toEqual([])
  })

  it('comes when its task is canceled', onLinux, async () => {
    const project = await withProgram({ sh: family })
    add(project)
    const worker = project.start('worker')
    const pids = await Promise.all(members.map((name) => project.pid(name)))
    const { exitCode } = await project.ops('tasks', 'cancel', 'resize', '1')
    expect(exitCode).toBe(0)
    await worker.event('canceled', 'resize 1')
    expect(project.value('select status from resizes')).toBe('canceled')
    expect(pids.filter(isRunning)).toEqual([])
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
  })

  it.each([
    ['fail', 'failed', 1],
    ['retry', 'succeeded', 2],
  ])(
    'comes after the worker was killed, and onCrash "%s" decides the task',
    onLinux,
    async (onCrash, status, attempt) => {
      const sh = `cd "$OPS_PROJECT"; test -e shell.pid && exit 0; ${family}`
      const project = await withProgram({ sh, rules: { onCrash, retry: { attempts: 2 } } })
      add(project)
      const worker = project.start('worker')
      const pids = await Promise.all(members.map((name) => project.pid(name)))
      worker.kill('SIGKILL')
      await worker.exit
      expect((await project.ops('worker', '--drain')).exitCode).toBe(0)
      expect(pids.filter(isRunning)).toEqual([])
      expect(taskProcesses(project.directory)).toEqual([])
      expect(project.rows('select status, attempt from resizes')).toEqual([{ status, attempt }])
      expect(project.value('select outcome from ops_runs order by id')).toBe('crashed')
    },
  )

  it('comes with a worker that is stopped for good', onLinux, async () => {
    const project = await withProgram({ sh: family, rules: { onInterrupt: 'retry' } })
    add(project)
    const worker = project.start('worker', '--grace', '200ms')
    const pids = await Promise.all(members.map((name) => project.pid(name)))
    worker.kill('SIGTERM')
    expect(await worker.exit).toBe(0)
    expect(pids.filter(isRunning)).toEqual([])
    expect(project.rows('select status, attempt from resizes')).toEqual([{ status: 'pending', attempt: 0 }])
  })
})

describe('a program on PostgreSQL', unless(postgresMissing), () => {
  it('gets and returns truth values, JSON and instants as what they are', async () => {
    const columns = `flag boolean default true, data jsonb default '{"a":[1]}', at timestamptz default '2026-01-31T12:00Z'`
    const root = programPlugin({
      js: `import { readFileSync } from 'node:fs'
const { flag, data, at } = JSON.parse(readFileSync(0, 'utf8'))
const later = new Date(Date.parse(at) + 1000)
console.log(JSON.stringify({ flag: !flag, data: { was: data }, at: later, width: 2, note: typeof at }))`,
    })
    const migration = [
      ...createTable(resizes, 'postgres'),
      `ALTER TABLE resizes ADD COLUMN ${columns.replaceAll(/, (?=data|at )/g, ', ADD COLUMN ')}`,
    ]
    mkdirSync(join(root, 'migrations/postgres'))
    writeFileSync(join(root, 'migrations/postgres/0000_resizes.sql'), migration.join('\n--> statement-breakpoint\n'))
    const project = new TestProject()
    const url = await postgresUrl()
    project.env.OPS_DATABASE_URL = url
    project.link({ name: 'ops-plugin-resize', root })
    expect(await project.ops('migrate')).toMatchObject({ exitCode: 0, stderr: '' })
    await project.ops('enqueue', 'resize', '--source', 'x')
    await project.ops('worker', '--drain')
    const database = await connect(url)
    const { rows } = await database.query('select status, error, flag, data, at, width::int, note from resizes')
    expect(rows).toEqual([
      {
        status: 'succeeded',
        error: null,
        flag: false,
        data: { was: { a: [1] } },
        at: new Date('2026-01-31T12:00:01Z'),
        width: 2,
        note: 'string',
      },
    ])
  })
})
