import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { databaseAt } from '../support/test-database.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { weakLink } from '../support/weak-link.ts'

/** `ops worker` as a process of its own behind a weak link, at the task that this statement adds. */
async function workerAt(insert: string) {
  const url = await postgresUrl()
  const link = await weakLink(url)
  const project = await TestProject.withProbe({ database: link.url })
  const { sql, close } = databaseAt(url)
  await sql(insert)
  await close()
  const worker = project.start('worker')
  await worker.event('started')
  return { link, project, worker }
}

const untilGo = `insert into scripts (script) values ('echo $$ > shell.pid; until [ -e go ]; do sleep 0.1; done')`

describe('a worker process', unless(postgresMissing), () => {
  it('that was stopped for longer than its lease goes on with its task, which nobody has taken', async () => {
    const { project, worker } = await workerAt(untilGo)
    await project.pid('shell.pid')
    worker.kill('SIGSTOP')
    await delay(30_000)
    worker.kill('SIGCONT')
    await delay(5000)
    project.write('go', '')
    await worker.event('succeeded', 'script 1')
    expect(worker.events().map(({ event }) => event)).not.toContain('disconnected')
  })

  it('that was stopped for longer than its lease ends its task when the database does not answer', async () => {
    const { link, project, worker } = await workerAt(untilGo)
    const pid = await project.pid('shell.pid')
    worker.kill('SIGSTOP')
    link.cut()
    await delay(45_000)
    const resumedAt = performance.now()
    worker.kill('SIGCONT')
    await until(() => !isRunning(pid), 'its program has ended')
    expect(performance.now() - resumedAt).toBeLessThan(15_000)
    link.restore()
    await worker.event('interrupted', 'script 1')
  })

  it('whose task ignores that it must end exits before the task is taken over', async () => {
    const { link, worker } = await workerAt(`insert into outcomes (how) values ('hangs')`)
    link.cut()
    const cutAt = performance.now()
    expect(await worker.exit).toBe(1)
    expect(performance.now() - cutAt).toBeLessThan(38_000)
    expect(worker.output).toContain('outcome 1 is still running although its signal has aborted')
  })
})
