import { defineProcessor, type TaskContext, taskTable } from '@ops-cli/core'
import { looseObject } from 'valibot'
import { activate } from './activation.ts'
import { AlreadyCurrentError, NoSuchReleaseError } from './errors.ts'
import { failpoint } from './failpoint.ts'
import { knownEnvironment } from './find-environment.ts'
import { openSite } from './open-site.ts'
import { earlierRelease, type Release, type Releases } from './releases.ts'
import { type Settings, settings } from './settings.ts'
import type { Site } from './site.ts'

export const rollbacks = taskTable('rollbacks', (column) => ({
  environment: column.text().notNull().describe('an environment of the settings, such as staging'),
  toRelease: column.integer().describe('the release to go to; else the last one before the current that worked'),
  releaseNumber: column.integer().result().describe('the release that it went to'),
}))

export default defineProcessor({
  name: 'rollback',
  summary: 'Make an earlier release of an environment the current one again',
  table: rollbacks,
  priority: 20,
  settings,
  input: (settings) => looseObject({ environment: knownEnvironment(settings) }),
  exclusiveBy: 'environment',
  timeout: ({ timeout }) => timeout,

  async perform(task, context) {
    return { releaseNumber: await performRollback(task, openSite(task.environment, context), context) }
  },
})

interface Rollback {
  readonly id: number
  readonly toRelease: number | null
}

async function performRollback(task: Rollback, site: Site, context: TaskContext<Settings>): Promise<number> {
  const { progress, log } = context
  progress(0, `looking at the releases of ${site.target.name}`)
  const releases = await site.target.begin()
  failpoint('begun')
  const to = chosenRelease(task.toRelease, releases, site.name)
  const from = releases.all.find(({ number }) => number === releases.current)
  log(`${site.name} goes ${from === undefined ? '' : `from release ${from.number} `}to release ${to.number}`)
  await activate(to, from, site, context)
  // So that the next rollback does not come back to what this one has left.
  if (from !== undefined && from.number > to.number) {
    const why = `rolled back to release ${to.number} by rollback ${task.id}`
    await site.target.markWithdrawn(from.number, why).catch((error: Error) => log(error.message))
  }
  return to.number
}

function chosenRelease(wanted: number | null, releases: Releases, environment: string): Release {
  const { all, current } = releases
  const found = wanted === null ? earlierRelease(releases) : all.find(({ number }) => number === wanted)
  if (found === undefined) {
    const numbers = all.map(({ number }) => number)
    throw new NoSuchReleaseError(environment, wanted ?? undefined, numbers)
  }
  if (found.number === current) throw new AlreadyCurrentError(environment, found.number)
  return found
}
