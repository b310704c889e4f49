import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { databaseAt } from '../support/test-database.ts'
import { isRunning, TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { weakLink } from '../support/weak-link.ts'
import { cutInAllWays } from './cut-off.ts'

/* The same as in cut-off.test.ts, with the times that hold. */

describe('a worker that is cut off from PostgreSQL', unless(postgresMissing), () => {
  it.each([5, 15])('for %s s goes on with its task', async (seconds) => {
    for (const [way, result] of await cutInAllWays(seconds * 1000, {})) {
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far succeeded' },
      })
    }
  })

  it('for 30 s ends its task, and reports it when the database is back', async () => {
    for (const [way, result] of await cutInAllWays(30_000, {})) {
      expect({ way, overlapMs: result.overlapMs, first: result.ended[0] }).toEqual({
        ...{ way, overlapMs: 0, first: 'far interrupted' },
      })
      expect(result.lastTickMs).toBeLessThan(30_000)
    }
  })

  it('for 60 s has ended a program that ignores SIGTERM before the task is taken over', async () => {
    for (const [way, result] of await cutInAllWays(60_000, {}, { isStubborn: true })) {
      expect({ way, overlapMs: result.overlapMs, ended: result.ended }).toEqual({
        ...{ way, overlapMs: 0, ended: ['far crashed', 'near succeeded'] },
      })
      expect(result.lastTickMs).toBeLessThan(36_000)
      expect(result.tookOverMs).toBeGreaterThan(36_000)
    }
  })
})

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
