import { join } from 'node:path'
import { openTestBench } from '@ops-cli/core/testing'
import { onTestFinished } from 'vitest'
import exec, { commands } from '../src/exec.ts'

type Values = (typeof commands)['$inferInsert']

/** A project in which commands run as a worker runs them. Tasks are added unchecked, as with SQL. */
export async function openBench(settings: object = {}) {
  const bench = await openTestBench(exec, { settings, migrations: join(import.meta.dirname, '..', 'migrations') })
  onTestFinished(() => bench.close())

  return {
    project: bench.directory,
    async start(values: Values) {
      await bench.addTo(commands, values)
      return (await bench.startNext())!
    },
    async perform(values: Values) {
      await bench.addTo(commands, values)
      const { task, log } = (await bench.performNext())!
      return { ...task, log }
    },
  }
}

/** Runs one command in a project of its own. */
export async function performOne(values: Values, settings: object = {}) {
  return (await openBench(settings)).perform(values)
}
