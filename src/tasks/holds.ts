import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import type { Hold } from '../queue/holds.ts'
import type { QueuedTable } from '../queue/queue.ts'
import { requireDatabase } from './find-task.ts'

/** A key that was put on hold, and its effect. */
export interface HoldResult {
  readonly hold: Hold
  /** The processors whose tasks may have to wait. */
  readonly processors: readonly string[]
  /** Tasks that have started already; they finish. */
  readonly ongoing: readonly string[]
}

/**
 * Puts an exclusivity key on hold, so that no task that needs it starts.
 *
 * @throws OpsError INVALID_HOLD_KEY or ALREADY_HELD
 */
export async function hold(project: Project, key: string, reason: string | undefined): Promise<HoldResult> {
  const { ready } = await project.processors()
  const affected = tablesUnder(
    key,
    ready.map(({ queued }) => queued),
  )
  await requireDatabase(project)
  const { holds } = project.queue
  const before = await holds.take(key, actor('hold'), reason)
  if (before) throw alreadyHeld(before)
  return {
    hold: (await holds.list()).find((one) => one.key === key)!,
    processors: affected.map(({ processor }) => processor),
    ongoing: await ongoingUnder(project, key, affected),
  }
}

/** @throws OpsError NOT_HELD */
export async function unhold(project: Project, key: string): Promise<Hold> {
  await requireDatabase(project)
  const { holds } = project.queue
  const released = await holds.release(key, actor('unhold'))
  if (released) return released
  const held = (await holds.list()).map((one) => one.key)
  throw new OpsError('NOT_HELD', didYouMean(`${key} is not on hold.`, key, held), {
    suggestions: held.length > 0 ? [`use one of: ${held.join(', ')}`] : [],
  })
}

export async function listHolds(project: Project): Promise<Hold[]> {
  await requireDatabase(project)
  return project.queue.holds.list()
}

/** The tables whose tasks a key affects. A mistyped key would silently affect none. */
function tablesUnder(key: string, tables: readonly QueuedTable[]): QueuedTable[] {
  const names = [...new Set(tables.flatMap(({ exclusivity: e }) => (e.kind === 'column' ? [e.name] : [])))]
  const known = [...names.map((name) => `${name}:<value>`), 'processor:<name>']
  const [, name, value] = /^([^:]+):(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined) throw invalidKey(`"${key}" is not an exclusivity key.`, known)
  if (name === 'processor') {
    const found = tables.filter(({ processor }) => processor === value)
    if (found.length > 0) return found
    const processors = tables.map(({ processor }) => processor).sort()
    throw invalidKey(didYouMean(`Unknown processor "${value}" in the key "${key}".`, value, processors), processors)
  }
  const found = tables.filter(({ exclusivity: e }) => e.kind === 'column' && e.name === name)
  if (found.length === 0) {
    const sentence = `No processor is exclusive by "${name}".`
    throw invalidKey(didYouMean(sentence, name, [...names, 'processor']), known)
  }
  checkValue(key, value, found)
  return found
}

/** Where the column is an enumeration, any other value is a mistake. */
function checkValue(key: string, value: string, tables: readonly QueuedTable[]): void {
  const values = tables.map(({ table, exclusivity: e }) => {
    const column = e.kind === 'column' && Object.values(table.columns).find(({ name }) => name === e.column)
    return column ? column.values : undefined
  })
  if (!values.every((each) => each !== undefined)) return
  const known = [...new Set(values.flat())]
  if (!known.includes(value)) throw invalidKey(didYouMean(`No task can have the key "${key}".`, value, known), known)
}

function invalidKey(message: string, known: readonly string[]): OpsError {
  return new OpsError('INVALID_HOLD_KEY', message, {
    exit: exitStatus.usage,
    suggestions: [`use one of: ${known.join(', ')}`],
  })
}

function alreadyHeld({ key, reason, actor: by, heldAt }: Hold): OpsError {
  const why = reason === undefined ? '.' : `: ${reason}`
  return new OpsError('ALREADY_HELD', `${key} is already on hold, by ${by} since ${formatTime(heldAt)}${why}`, {
    suggestions: [`ops unhold ${key}`],
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
