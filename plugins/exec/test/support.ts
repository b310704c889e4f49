import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { onTestFinished } from 'vitest'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { openQueue } from '../../../src/queue/open-queue.ts'
import { performTask } from '../../../src/worker/perform-task.ts'
import { RunContext } from '../../../src/worker/run-context.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import exec, { commands } from '../src/exec.ts'
import { settings as schema } from '../src/settings.ts'

type Row = (typeof commands)['$inferSelect']
type Values = (typeof commands)['$inferInsert']

/** A project of its own with its database, in which commands run as the worker runs them. */
export async function workshop(options: object = {}) {
  const project = temporaryFolder()
  const settings = v.parse(schema, options)
  const queued = toQueuedTable(exec, settings)
  const queue = await openQueue('sqlite:.ops/ops.db', { directory: project })
  onTestFinished(() => queue.close())
  await queue.migrate([{ name: 'exec', directory: join(import.meta.dirname, '..', 'migrations') }], [queued])
  await queue.startWorker({ id: 'worker', host: 'here', pid: process.pid, version: '0' })
  const environment = {
    queue,
    workerId: 'worker',
    stateDirectory: join(project, '.ops'),
    projectDirectory: project,
  }

  async function start(values: Values) {
    await queue.enqueue(commands, [values])
    const claim = (await queue.claim([queued]))!
    const context = new RunContext(claim, settings, environment)
    const { logFile } = context
    const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
    const ended = performTask(claim, { processor: exec }, context).then(async ({ outcome }) => {
      await queue.settle(claim.run, outcome!)
      const row = (await queue.find(commands, claim.run.taskId)) as Row
      return { ...row, log: log() }
    })
    return { context, log, ended }
  }

  return { project, start, perform: async (values: Values) => (await start(values)).ended }
}

/** One command in a project of its own. */
export async function performOne(values: Values, settings: object = {}) {
  return (await workshop(settings)).perform(values)
}
