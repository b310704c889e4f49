import { defineProcessor, type TaskContext, TaskError, taskTable } from '@ops-cli/core'
import { looseObject } from 'valibot'
import { activate } from './activation.ts'
import { type Environment, knownEnvironment, openEnvironment } from './environment.ts'
import { failpoint } from './failpoint.ts'
import { previousRelease, type Release, type Releases } from './releases.ts'
import { type Settings, settings } from './settings.ts'

export const rollbacks = taskTable('rollbacks', (column) => ({
  environment: column.text().notNull().describe('environment of the settings, such as staging'),
  toRelease: column.integer().describe('release to go back to [default: the previous one that worked]'),
  releaseNumber: column.integer().result().describe('release that is current then'),
}))

export default defineProcessor({
  name: 'rollback',
  summary: 'Go back to an earlier release',
  table: rollbacks,
  priority: 20,
  settings,
  input: (settings) => looseObject({ environment: knownEnvironment(settings) }),
  exclusiveBy: 'environment',
  timeout: ({ timeout }) => timeout,

  async perform(task, context) {
    return { releaseNumber: await rollBack(task, openEnvironment(task.environment, context), context) }
  },
})

interface Rollback {
  readonly id: number
  readonly toRelease: number | null
}

async function rollBack(task: Rollback, environment: Environment, context: TaskContext<Settings>): Promise<number> {
  const { progress, log } = context
  const { target, name } = environment
  progress(0, `listing the releases of ${target.name}`)
  const releases = await target.begin()
  failpoint('begun')
  const to = chooseRelease(task.toRelease, releases, name)
  const from = releases.all.find(({ number }) => number === releases.current)
  log(`rolling ${name} back ${from === undefined ? '' : `from release ${from.number} `}to release ${to.number}`)
  await activate(to, from, environment, context)
  // Otherwise the next rollback would return to it.
  if (from !== undefined && from.number > to.number) {
    const reason = `rolled back to release ${to.number} by rollback ${task.id}`
    await target.markWithdrawn(from.number, reason).catch((error: Error) => log(error.message))
  }
  return to.number
}

function chooseRelease(wanted: number | null, releases: Releases, environment: string): Release {
  const { all, current } = releases
  const found = wanted === null ? previousRelease(releases) : all.find(({ number }) => number === wanted)
  if (found === undefined) {
    const numbers = all.map(({ number }) => number)
    const existing = numbers.length > 0 ? `existing releases: ${numbers.join(', ')}` : 'there are no releases'
    throw new TaskError(
      wanted === null
        ? `${environment} has no previous release that worked; set "toRelease" (${existing})`
        : `${environment} has no release ${wanted}; ${existing}`,
    )
  }
  if (found.number === current)
    throw new TaskError(`release ${found.number} is already the current one of ${environment}`)
  return found
}
