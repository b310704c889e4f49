import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

const many = 100_000

function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => `{"note":"${index + 1}"}\n`).join('')
}

function count(project: TestProject): number {
  return project.value<number>('select count(*) from urgencies')
}

describe('ops enqueue --from', () => {
  it('adds 100,000 lines of a file in one transaction: whoever looks meanwhile sees none or all', async () => {
    const project = await TestProject.withProbe()
    project.write('tasks.ndjson', lines(many))
    const seen = new Set<number>()
    const looking = setInterval(() => seen.add(count(project)), 5)
    const started = performance.now()
    const { exitCode, stdout } = await project.ops('enqueue', 'urgent', '--from', 'tasks.ndjson')
    clearInterval(looking)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `urgent 1 to ${many}: ${many} tasks` })
    expect(performance.now() - started).toBeLessThan(30_000)
    expect(count(project)).toBe(many)
    expect([...seen].filter((each) => each !== 0 && each !== many)).toEqual([])
    expect(project.value('select count(*) from urgencies where note = id')).toBe(many)
  })

  it('adds the lines of standard input; empty lines and other line ends are nothing', async () => {
    const project = await TestProject.withProbe()
    const input = '{"title":"a","piece_count":2}\r\n\n{"title":"b","pieceCount":3,"takenAt":"2030-01-01T00:00:00Z"}'
    const { exitCode, stdout } = await project.opsWith({ input }, 'enqueue', 'sample', '--from', '-')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'sample 1 to 2: 2 tasks' })
    expect(project.rows('select title, piece_count, taken_at from samples order by id')).toEqual([
      { title: 'a', piece_count: 2, taken_at: null },
      { title: 'b', piece_count: 3, taken_at: Date.parse('2030-01-01') },
    ])
  })

  it('takes the flags for what a line leaves out', async () => {
    const project = await TestProject.withProbe()
    const input = '{"title":"a"}\n{"title":"b","size":"small"}'
    const argv = ['enqueue', 'sample', '--from', '-', '--size', 'large', '--at', '2030-01-01']
    await project.opsWith({ input }, ...argv)
    expect(project.rows('select size, run_at from samples order by id')).toEqual([
      { size: 'large', run_at: Date.parse('2030-01-01') },
      { size: 'small', run_at: Date.parse('2030-01-01') },
    ])
  })

  it('adds nothing when a line in the middle is wrong, names the line and exits 2', async () => {
    const project = await TestProject.withProbe()
    const input = `${lines(500)}{"note": 7}\n${lines(500)}`
    const { exitCode, stdout, stderr } = await project.opsWith({ input }, 'enqueue', 'urgent', '--from', '-')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(unwrapped(stderr)).toContain('line 501: note: expected a string, got 7')
    expect(unwrapped(stderr)).toContain('nothing was added')
    expect(count(project)).toBe(0)
    expect(project.value('select count(*) from ops_audit')).toBe(0)
  })

  it('names every kind of wrong line at once', async () => {
    const project = await TestProject.withProbe()
    const input = '{"title":"a"}\n{"title":\n["b"]\n{"titel":"c"}\n{"title":"d","status":"succeeded"}\n{}'
    const { exitCode, stderr } = await project.opsWith({ input }, 'enqueue', 'sample', '--from', '-')
    expect(exitCode).toBe(2)
    const text = unwrapped(stderr)
    expect(text).toContain('line 2: not JSON')
    expect(text).toContain('line 3: not a JSON object')
    expect(text).toContain('line 4: unknown column "titel"; did you mean "title"?; "title" is missing')
    expect(text).toContain('line 5: "status" is set by ops')
    expect(text).toContain('line 6: "title" is missing')
    expect(text).not.toContain('line 1:')
  })

  it('adds nothing when a line references a task that does not exist', async () => {
    const project = await TestProject.withProbe()
    project.database.exec('insert into ordinaries default values')
    const input = '{"title":"a","ordinaryId":1}\n{"title":"b","ordinaryId":2}'
    const { exitCode, stderr } = await project.opsWith({ input }, 'enqueue', 'sample', '--from', '-')
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('ordinaryId: no task 2 in "ordinaries"')
    expect(project.value('select count(*) from samples')).toBe(0)
  })

  it('exits 2 when the file cannot be read, and 0 when it is empty', async () => {
    const project = await TestProject.withProbe()
    const missing = await project.ops('enqueue', 'urgent', '--from', 'nowhere.ndjson')
    expect(missing.exitCode).toBe(2)
    expect(unwrapped(missing.stderr)).toContain('Error: Cannot read "nowhere.ndjson": no such file or directory.')
    const empty = await project.opsWith({ input: '\n' }, 'enqueue', 'urgent', '--from', '-')
    expect(empty).toMatchObject({ exitCode: 0, stdout: 'nothing to add' })
  })
})
