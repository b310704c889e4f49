import { didYouMean } from '../errors.ts'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { Hold } from '../queue/holds.ts'
import type { QueuedTable } from '../queue/queue.ts'
import { AlreadyHeldError, InvalidHoldKeyError, NotHeldError } from './hold-errors.ts'
import { needDatabase } from './need-database.ts'

/** A key that was taken, and what it means. */
export interface TakenHold {
  readonly hold: Hold
  /** The processors whose tasks may have to wait. */
  readonly processors: readonly string[]
  /** The tasks that are ongoing under the key, and finish. */
  readonly ongoing: readonly string[]
}

/**
 * Takes an exclusivity key for a person, so that no task that needs it begins.
 *
 * @throws InvalidHoldKeyError, AlreadyHeldError
 */
export async function hold(project: Project, key: string, reason: string | undefined): Promise<TakenHold> {
  const { ready } = await project.processors()
  const affected = tablesUnder(
    key,
    ready.map(({ queued }) => queued),
  )
  await needDatabase(project)
  const { holds } = project.queue
  const before = await holds.take(key, actor('hold'), reason)
  if (before) throw new AlreadyHeldError(before)
  return {
    hold: (await holds.list()).find((one) => one.key === key)!,
    processors: affected.map(({ processor }) => processor),
    ongoing: await ongoingUnder(project, key, affected),
  }
}

/** @throws NotHeldError */
export async function unhold(project: Project, key: string): Promise<Hold> {
  await needDatabase(project)
  const { holds } = project.queue
  const released = await holds.release(key, actor('unhold'))
  if (released) return released
  const held = (await holds.list()).map((one) => one.key)
  throw new NotHeldError(key, held)
}

export async function listHolds(project: Project): Promise<Hold[]> {
  await needDatabase(project)
  return project.queue.holds.list()
}

/** The tables whose tasks a key can keep back. A mistyped key would keep nothing back, without a word. */
function tablesUnder(key: string, tables: readonly QueuedTable[]): QueuedTable[] {
  const names = [...new Set(tables.flatMap(({ exclusivity: e }) => (e.kind === 'column' ? [e.name] : [])))]
  const known = [...names.map((name) => `${name}:<value>`), 'processor:<name>']
  const [, name, value] = /^([^:]+):(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidHoldKeyError(`"${key}" is not an exclusivity key.`, { known, what: 'use one of' })
  if (name === 'processor') {
    const found = tables.filter(({ processor }) => processor === value)
    const processors = tables.map(({ processor }) => processor).sort()
    if (found.length > 0) return found
    const problem = `Unknown processor "${value}" in the key "${key}".`
    throw new InvalidHoldKeyError(didYouMean(problem, value, processors), {
      what: 'use one of',
      known: processors,
    })
  }
  const found = tables.filter(({ exclusivity: e }) => e.kind === 'column' && e.name === name)
  if (found.length === 0) {
    const problem = `No processor is exclusive by "${name}", so "${key}" would hold nothing.`
    throw new InvalidHoldKeyError(didYouMean(problem, name, [...names, 'processor']), {
      what: 'use one of',
      known,
    })
  }
  checkValue(key, value, found)
  return found
}

/** Where the column is an enumeration, a value that it does not have is a mistake. */
function checkValue(key: string, value: string, tables: readonly QueuedTable[]): void {
  const values = tables.map(({ table, exclusivity: e }) => {
    const column = e.kind === 'column' && Object.values(table.columns).find(({ name }) => name === e.column)
    return column ? column.values : undefined
  })
  if (!values.every((each) => each !== undefined)) return
  const known = [...new Set(values.flat())]
  if (known.includes(value)) return
  throw new InvalidHoldKeyError(didYouMean(`No task can have "${key}".`, value, known), {
    what: 'use one of the values',
    known,
  })
}

async function ongoingUnder({ queue }: Project, key: string, tables: readonly QueuedTable[]): Promise<string[]> {
  const ongoing: string[] = []
  for (const { taskTable, taskId } of await queue.openRuns()) {
    const queued = tables.find(({ table }) => table.name === taskTable)
    if (!queued) continue
    const runs = await queue.records.runs(queued.table, taskId)
    const open = runs.find(({ endedAt }) => endedAt === undefined)
    if (open && (key === `processor:${queued.processor}` || open.exclusiveKey === key))
      ongoing.push(`${queued.processor} ${taskId}`)
  }
  return ongoing
}
