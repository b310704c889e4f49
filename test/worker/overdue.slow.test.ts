import { expect, it } from 'vitest'
import { isRunning, TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'

it('a worker suspended past the deadline loses its task to another, and writes nothing when it resumes', async () => {
  const project = await TestProject.withProbe({ plugins: { probe: { timeout: '2s' } } })
  project.addScript('echo $$ > shell.pid; sleep 60')
  const stopped = project.start('worker')
  const pid = await project.pid('shell.pid')
  await until(() => project.value('select process_groups from ops_runs') !== null, 'the process group is recorded')
  stopped.kill('SIGSTOP')
  const other = project.start('worker')
  await other.event('polling')
  const status = () => project.value('select status from scripts')
  await until(() => status() === 'failed', 'the other has decided')
  const decided = project.rows('select * from scripts')
  expect(decided[0]!.error).toMatch(/^timed out after 2s; worker \S+ did not end it$/)
  expect(isRunning(pid)).toBe(false)
  expect(project.value('select stopped_at from ops_workers order by started_at limit 1')).toBeNull()
  stopped.kill('SIGCONT')
  await stopped.event('taken_away', 'script 1')
  expect(project.rows('select * from scripts')).toEqual(decided)
  expect(project.rows('select outcome from ops_runs')).toEqual([{ outcome: 'timed_out' }])
  // It goes on as a worker.
  other.kill('SIGTERM')
  await other.exit
  project.addScript('true')
  await stopped.event('succeeded', 'script 2')
})
