import { describe, expect, it } from 'vitest'
import { projectWithSingle } from '../support/single-plugin.ts'
import { probePlugin, TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'
import { writePlugin } from '../support/write-plugin.ts'

describe('ops enqueue', () => {
  it('says on standard error which database it creates, once', async () => {
    const project = new TestProject()
    const add = () => project.ops('enqueue', 'exec', '--command', 'true')
    const first = await add()
    expect(first).toEqual({
      exitCode: 0,
      stdout: 'exec 1',
      stderr: `Note: Created the database ${project.path('.ops/ops.db')}.`,
    })
    expect(await add()).toEqual({ exitCode: 0, stdout: 'exec 2', stderr: '' })
  })

  it('works in an empty folder', async () => {
    const project = new TestProject()
    expect(await project.ops('enqueue', 'build', '--repository', 'https://example.com/shop.git')).toMatchObject({
      exitCode: 0,
      stdout: 'build 1',
    })
    expect(project.rows('select repository, ref, status from builds')).toEqual([
      { repository: 'https://example.com/shop.git', ref: 'HEAD', status: 'pending' },
    ])
  })

  it('prints the task that already waits, where no two may, also without values', async () => {
    const project = await projectWithSingle()
    for (const args of [[], ['--name', 'x']]) {
      const first = await project.ops('enqueue', 'single', ...args)
      const again = await project.ops('enqueue', 'single', ...args)
      expect(first.stdout).toMatch(/^single \d+$/)
      expect(again).toMatchObject({ exitCode: 0, stdout: `${first.stdout} (already exists)` })
    }
  })

  it('makes a task due that is scheduled for later, where no two may wait, and says so', async () => {
    const project = await projectWithSingle()
    await project.ops('enqueue', 'single', '--in', '1h')
    expect((await project.ops('enqueue', 'single', '--in', '1m')).stdout).toBe('single 1 (already exists)')
    const { stdout } = await project.ops('enqueue', 'single')
    expect(stdout).toMatch(/^single 1 \(was scheduled for \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, now due\)$/)
    expect(project.value<number>('select run_at from singles')).toBeLessThanOrEqual(Date.now())
    project.database.exec('update singles set run_at = 1900000000000')
    const { existing, madeDue } = JSON.parse((await project.ops('enqueue', 'single', '--json')).stdout)
    expect({ existing, madeDue }).toEqual({
      existing: [1],
      madeDue: [{ id: 1, scheduledFor: new Date(1900000000000).toISOString() }],
    })
  })

  it('takes a value for every kind of column', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('insert into ordinaries default values')
    const values = ['--title=-3 degrees', '--piece-count', '-4', '--weight', '2.5e3', '--is-fragile', '--size', 'large']
    const rest = ['--labels', '{"a b": [1, null]}', '--taken-at', '2030-01-31T12:00:00Z', '--ordinary-id', '1']
    const { exitCode, stderr, stdout } = await project.ops('enqueue', 'sample', ...values, ...rest)
    expect({ exitCode, stderr, stdout }).toEqual({ exitCode: 0, stderr: '', stdout: 'sample 1' })
    const columns = 'title, piece_count, weight, is_fragile, labels, taken_at, size, ordinary_id'
    expect(project.rows(`select ${columns} from samples`)).toEqual([
      {
        title: '-3 degrees',
        piece_count: -4,
        weight: 2500,
        is_fragile: 1,
        labels: '{"a b":[1,null]}',
        taken_at: Date.parse('2030-01-31T12:00:00Z'),
        size: 'large',
        ordinary_id: 1,
      },
    ])
  })

  it('takes --no- before the flag of a boolean column, and leaves out what is not given', async () => {
    const project = await TestProject.withProbe()
    await project.ops('enqueue', 'sample', '--title', 'x', '--no-is-fragile')
    expect(project.rows('select piece_count, weight, is_fragile, size from samples')).toEqual([
      { piece_count: 1, weight: null, is_fragile: 0, size: 'small' },
    ])
  })

  it('reports every problem in one error, exits 2 and writes nothing', async () => {
    const project = await TestProject.withProbe()
    const { exitCode, stdout, stderr } = await project.ops(
      ...['enqueue', 'sample', '--piece-count', 'many', '--weight', 'heavy', '--size', 'medium', '--labels', '{'],
      ...['--taken-at', 'soon', '--ordinary-id', 'first', '--wieght', '3', 'stray', '--in', 'a while'],
    )
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    const text = unwrapped(stderr)
    for (const problem of [
      'unknown flag --wieght, did you mean --weight?',
      'unexpected argument "stray"',
      '--piece-count: expected a whole number, got "many"',
      '--weight: expected a number, got "heavy"',
      '--size: expected one of small, large, got "medium"',
      '--labels: expected JSON, got "{"',
      '--taken-at: expected a time such as 2030-01-31T12:00:00Z, got "soon"',
      '--ordinary-id: expected the id of a task in "ordinaries", got "first"',
      '--title is missing',
      '--in: expected a duration such as "10m", got "a while"',
    ])
      expect(text).toContain(problem)
    expect(stderr.match(/Error:/g)).toHaveLength(1)
    expect(stderr).toContain('Try: ops enqueue sample --help')
    expect(project.value('select count(*) from samples')).toBe(0)
    expect(project.value('select count(*) from ops_audit')).toBe(0)
  })

  it('takes the name of a task for a reference to it, and refuses that of another table', async () => {
    const project = await TestProject.withProbe()
    const { stdout: name } = await project.ops('enqueue', 'ordinary')
    expect(name).toBe('ordinary 1')
    expect((await project.ops('enqueue', 'sample', '--title', 'x', '--ordinary-id', name)).stdout).toBe('sample 1')
    expect(project.value('select ordinary_id from samples')).toBe(1)
    const other = await project.ops('enqueue', 'sample', '--title', 'x', '--ordinary-id', 'sample 1')
    expect(other.exitCode).toBe(2)
    expect(unwrapped(other.stderr)).toContain(
      '--ordinary-id: expected the id of a task in "ordinaries", got "sample 1"',
    )
  })

  it('refuses a reference to a task that does not exist, and a lifecycle column', async () => {
    const project = await TestProject.withProbe()
    const broken = await project.ops('enqueue', 'sample', '--title', 'x', '--ordinary-id', '7')
    expect(broken.exitCode).toBe(2)
    expect(unwrapped(broken.stderr)).toContain('ordinaryId: no task 7 in "ordinaries"')
    const lifecycle = await project.ops('enqueue', 'sample', '--title', 'x', '--status', 'succeeded')
    expect(lifecycle.exitCode).toBe(2)
    expect(unwrapped(lifecycle.stderr)).toContain('unknown flag --status')
    expect(project.value('select count(*) from samples')).toBe(0)
  })

  it.each([[['build', '--repository']], [['build', '--repository', 'a', '--in', '1m', '--at', '2030-01-01']], [[]]])(
    'exits 2 and makes no database on the incomplete command line %j',
    async (argv) => {
      const project = new TestProject()
      const { exitCode, stdout } = await project.ops('enqueue', ...argv)
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
      expect(project.read('.ops/ops.db')).toBe('')
    },
  )

  it('names the processor that was most likely meant, and exits 2', async () => {
    const project = new TestProject()
    const { exitCode, stderr } = await project.ops('enqueue', 'biuld', '--repository', '.')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('Error: Unknown processor "biuld". Did you mean "build"?\nUse one of: ')
  })

  it('says why a processor is broken, and goes on with the others', async () => {
    const project = new TestProject()
    project.link(writePlugin('broken', `throw new Error('boom at import')`))
    const broken = await project.ops('enqueue', 'broken')
    expect(broken.exitCode).toBe(1)
    expect(unwrapped(broken.stderr)).toContain('boom at import')
    expect((await project.ops('enqueue', 'build', '--repository', '.')).stdout).toBe('build 1')
  })

  it('leaves out a plugin of another contract, and says so', async () => {
    const project = new TestProject()
    project.link(writePlugin('future', 'export default 1', { api: 2 }))
    const { exitCode, stderr } = await project.ops('enqueue', 'build', '--repository', '.')
    expect(exitCode).toBe(0)
    expect(unwrapped(stderr)).toContain(
      'ops-plugin-future@1.2.3 cannot be used: it requires plugin API 2, this ops has plugin API 1',
    )
  })

  it('schedules a task with --in and with --at', async () => {
    const project = await TestProject.withProbe()
    const before = Date.now()
    await project.ops('enqueue', 'urgent', '--in', '10m')
    await project.ops('enqueue', 'urgent', '--at', '2030-01-31T12:00:00+02:00')
    const [first, second] = project.rows<{ run_at: number }>('select run_at from urgencies order by id')
    expect(first!.run_at).toBeGreaterThanOrEqual(before + 600_000)
    expect(first!.run_at).toBeLessThanOrEqual(Date.now() + 600_000)
    expect(second!.run_at).toBe(Date.parse('2030-01-31T10:00:00Z'))
  })

  it.each([
    ['--in', '200000000d', '--in: expected a duration of at most "365000d", got "200000000d"'],
    ['--in', `${'9'.repeat(200)}d`, '--in: expected a duration of at most "365000d", got "999'],
    ['--at', '+200000-01-01', '--at: expected a time between the years 1 and 9999, got "+200000-01-01"'],
    ['--at', '0000-01-01', '--at: expected a time between the years 1 and 9999, got "0000-01-01"'],
    ['--at', '999999-01-01', '--at: expected a time such as 2030-01-31T12:00:00Z, got "999999-01-01"'],
  ])('exits 2 for a time that cannot be stored: %s %.20s', async (flag, text, problem) => {
    const project = await TestProject.withProbe()
    const { exitCode, stderr } = await project.ops('enqueue', 'urgent', flag, text)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain(problem)
    expect(project.value('select count(*) from urgencies')).toBe(0)
  })

  it('returns with --json what it added, and errors as JSON with the same exit code', async () => {
    const project = await TestProject.withProbe()
    const added = await project.ops('enqueue', 'urgent', '--note', 'x', '--json')
    expect(JSON.parse(added.stdout)).toEqual({
      processor: 'urgent',
      table: 'urgencies',
      ids: [1],
      existing: [],
      count: 1,
    })
    const wrong = await project.ops('enqueue', 'urgent', '--not', 'x', '--json')
    expect(wrong.exitCode).toBe(2)
    expect(JSON.parse(wrong.stdout).error).toMatchObject({ code: 'INVALID_TASK', severity: 'error' })
  })

  it('is on record in the name of the user', async () => {
    const project = await TestProject.withProbe()
    await project.ops('enqueue', 'urgent')
    expect(project.rows('select event, to_status, actor from ops_audit')).toEqual([
      { event: 'enqueued', to_status: 'pending', actor: expect.stringMatching(/^\S+ \(ops enqueue\)$/) },
    ])
  })

  it('checks the settings of the plugin, and exits 78 when they are wrong', async () => {
    const project = new TestProject()
    project.link({ name: 'ops-plugin-probe', root: probePlugin })
    project.write('ops.config.json', JSON.stringify({ plugins: { probe: { timeuot: '1s' } } }))
    const { exitCode, stderr } = await project.ops('enqueue', 'script', '--script', 'true')
    expect(exitCode).toBe(78)
    expect(unwrapped(stderr)).toContain('plugins.probe.timeuot')
  })
})
