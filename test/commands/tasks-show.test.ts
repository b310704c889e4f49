import { describe, expect, it } from 'vitest'
import { TestProject } from '../support/test-project.ts'
import { unwrapped } from '../support/unwrapped.ts'

async function failedTask(): Promise<TestProject> {
  const project = await TestProject.withProbe()
  project.database.exec(`insert into outcomes (how) values ('throws')`)
  await project.ops('worker', '--drain')
  return project
}

describe('ops tasks show', () => {
  it('shows the row, the runs, the audit trail and where the logs are', async () => {
    const project = await failedTask()
    const { stdout, stderr, exitCode } = await project.ops('tasks', 'show', 'outcome', '1')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^outcome 1 failed\nhow +throws\nanswer +-\ncode +-\ncreated +\d{4}-/)
    expect(stdout).toMatch(/\nerror +the first line\n\nRUNS\n/)
    expect(stdout).toMatch(/\n +1 {2}\d{4}-.* failed .* the first line\n\nAUDIT\n/)
    expect(stdout).toMatch(
      / enqueued +→ pending\n.* started +pending → ongoing .*\n.* failed +ongoing → failed .* the first line\n/,
    )
    expect(stdout).toMatch(/\nLOGS\n\.ops\/logs\/outcomes\/1\.1\.log$/)
  })

  it('returns all of it with --json, also by the name of the table', async () => {
    const project = await failedTask()
    const shown = JSON.parse((await project.ops('tasks', 'show', 'outcomes', '1', '--json')).stdout)
    expect(shown).toMatchObject({
      task: 'outcome 1',
      processor: 'outcome',
      table: 'outcomes',
      row: { id: 1, status: 'failed', how: 'throws', error: 'the first line', attempt: 1 },
      runs: [{ attempt: 1, outcome: 'failed', error: 'the first line' }],
      audit: [{ event: 'enqueued' }, { event: 'started' }, { event: 'failed', detail: { error: 'the first line' } }],
      logs: [{ attempt: 1, file: project.path('.ops/logs/outcomes/1.1.log') }],
    })
    expect(shown.logs[0].bytes).toBeGreaterThan(0)
  })

  it('says of a task that has only been added what there is', async () => {
    const project = await TestProject.withProbe()
    await project.ops('enqueue', 'sample', '--title', 'one\ntwo', '--labels', '["a"]', '--in', '1h')
    const { stdout } = await project.ops('tasks', 'show', 'sample', '1')
    expect(stdout).toMatch(/^sample 1 pending\ntitle +one two\npiece_count +1\n/)
    expect(stdout).toMatch(/\nlabels +\["a"\]\n/)
    expect(stdout).toMatch(/\nnot before +\d{4}-.* \(in 1 h\)\n/)
    expect(stdout).not.toContain('RUNS')
    expect(stdout).not.toContain('LOGS')
  })

  it.each([
    [['outcome', '99'], 1, 'outcome 99 not found.'],
    [['outcome', 'abc'], 2, 'Invalid task id "abc": expected a whole number.'],
    [['outcome', '1.5'], 2, 'whole number'],
    [['outcom', '1'], 2, 'Did you mean "outcome"?'],
    [['outcome'], 2, 'Error: Missing argument <id>. Try: ops tasks show --help'],
  ])('refuses %j with %i', async (argv, status, message) => {
    const project = await TestProject.withProbe()
    const { exitCode, stdout, stderr } = await project.ops('tasks', 'show', ...argv)
    expect({ exitCode, stdout }).toEqual({ exitCode: status, stdout: '' })
    expect(unwrapped(stderr)).toContain(message)
  })
})
