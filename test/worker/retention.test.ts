import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AnyProcessor, defineProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { RemovedFiles } from '../../src/processor/task-context.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'
import { prune } from '../../src/worker/prune.ts'
import { planRetention } from '../../src/worker/retention.ts'
import { TaskFiles } from '../../src/worker/task-files.ts'
import { builds, checks, deployments } from '../queue/tables.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const now = new Date('2030-01-31T12:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)

function ready(name: string, table: TaskTable, more: Partial<AnyProcessor> = {}) {
  const processor = defineProcessor({ name, table, perform() {}, ...more } as never) as AnyProcessor
  return { processor, settings: {}, queued: toQueuedTable(processor, {}) }
}

const removeFiles = async () => ({ files: 0, bytes: 0 })
const build = ready('build', builds, { removeFiles })
const deploy = ready('deploy', deployments)

describe('a retention', () => {
  it('is a limit for each status, and other ones for a processor', () => {
    const config = { succeeded: '90d', failed: '1y', logs: '2d', processors: { deploy: { succeeded: '7d' } } }
    const { tables, logs, artifacts } = planRetention([build, deploy], config, now)
    expect(tables.map(({ queued, before }) => [queued.processor, before])).toEqual([
      // It refers to builds.
      ['deploy', { succeeded: daysAgo(7), failed: daysAgo(365.25) }],
      ['build', { succeeded: daysAgo(90), failed: daysAgo(365.25) }],
    ])
    expect(logs.map(({ table, before }) => [table, before])).toContainEqual(['builds', daysAgo(2)])
    expect(artifacts).toEqual([])
  })

  it('of artifacts is about processors that can remove them', () => {
    const { tables, artifacts } = planRetention([build, deploy], { artifacts: '30d' }, now)
    expect(tables).toEqual([])
    expect(artifacts.map(({ queued }) => queued.processor)).toEqual(['build'])
  })

  it('is about an existing table only if its processor has an entry, or if it is named', () => {
    const check = ready('check', { ...checks, isExisting: true })
    const names = (config: object, request = {}) =>
      planRetention([build, check], config, now, request).tables.map(({ queued }) => queued.processor)
    expect(names({ succeeded: '1d' })).toEqual(['build'])
    expect(names({ succeeded: '1d', processors: { check: {} } })).toEqual(['build', 'check'])
    expect(names({}, { before: now, processor: 'check' })).toEqual(['check'])
    expect(names({}, { before: now })).toEqual(['build'])
  })
})

describe('files of tasks', () => {
  it('go with pruned tasks, and earlier by their own limits; those that others need stay', async () => {
    const removed: (string | number)[] = []
    const keeper = ready('build', builds, {
      async removeFiles(ids): Promise<RemovedFiles> {
        removed.push(...ids)
        return { files: ids.length, bytes: 1 }
      },
    })
    const processors = [keeper, deploy]
    const all = processors.map(({ queued }) => queued)
    const { queue } = await sqliteFixture(all)
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }, { repository: 'c' }])
    for (const id of [1, 2, 3]) await queue.cancel(builds, id, 'ada')
    await queue.enqueue(deployments, [{ buildId: 2 }])
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'logs', 'deployments'), { recursive: true })
    const log = join(folder, 'logs', 'deployments', '1.1.log')
    writeFileSync(log, 'one')
    await queue.claim(all)
    const files = new TaskFiles(processors, { stateDirectory: folder, projectDirectory: folder })
    const soon = new Date(Date.now() + 60_000)
    const run = async () => {
      const plan = planRetention(processors, { artifacts: '0ms', logs: '0ms' }, soon)
      for await (const _ of prune(queue, plan, files, { actor: 'ada', all })) {
      }
    }
    await run()
    expect(removed).toEqual([1, 3])
    // Its task is ongoing.
    expect(existsSync(log)).toBe(true)
    const [open] = await queue.openRuns()
    await queue.settleDead(open!, deploy.queued, { kind: 'failed', error: 'late' })
    await run()
    expect(existsSync(log)).toBe(false)
  })
})
