import type { Status } from '../../../src/task/lifecycle.ts'
import { transitions } from '../legal-changes.ts'
import type { AuditRow, RunRow, Snapshot } from './snapshot.ts'

/** Checks what must hold at any moment. Returns a sentence for each violation. */
export function violations({ tasks, runs, audit }: Snapshot): string[] {
  const problems = [...sharedKeys(runs), ...runs.flatMap((run) => wrongRun(run, audit))]
  const runsOf = Map.groupBy(runs, ({ task }) => task)
  const entriesOf = Map.groupBy(audit, ({ task }) => task)
  for (const { name, status } of tasks) {
    problems.push(
      ...wrongRuns(name, status, runsOf.get(name) ?? []),
      ...wrongReplay(name, status, entriesOf.get(name) ?? []),
    )
  }
  return problems
}

function sharedKeys(runs: readonly RunRow[]): string[] {
  const open = runs.filter(({ isOpen, key }) => isOpen && key !== null)
  return open
    .filter(({ key }, index) => open.findIndex((run) => run.key === key) !== index)
    .map(({ id, key }) => `run ${id} is open with ${key}, as is another run`)
}

/** A run starts once and ends at most once, in the audit and in its row. */
function wrongRun({ id, task, isOpen, outcome }: RunRow, audit: readonly AuditRow[]): string[] {
  const own = audit.filter(({ run, from, to }) => run === id && from !== to && to !== null)
  const events = own.map(({ event }) => event)
  const wanted = isOpen ? 1 : 2
  return [
    ...(own.some((entry) => entry.task !== task)
      ? [`run ${id} belongs to ${task}, but also to another task in the audit`]
      : []),
    ...(events[0] === 'started' && events.length === wanted ? [] : [`run ${id} has the events ${events.join(', ')}`]),
    ...(isOpen || outcome !== null ? [] : [`run ${id} has ended without an outcome`]),
    ...(outcome === 'succeeded' && events[1] !== 'succeeded' ? [`run ${id} succeeded, but its task did not`] : []),
  ]
}

function wrongRuns(task: string, status: string, runs: readonly RunRow[]): string[] {
  const open = runs.filter(({ isOpen }) => isOpen)
  const last = runs.at(-1)
  return [
    ...(open.length > 1 ? [`${task} has ${open.length} open runs`] : []),
    ...((status === 'ongoing') === open.length > 0 ? [] : [`${task} is ${status} with ${open.length} open runs`]),
    ...((status === 'succeeded') === (last?.outcome === 'succeeded')
      ? []
      : [`${task} is ${status}, but its last run is ${last?.outcome}`]),
  ]
}

/** Each change is in the audit, is legal, and starts from the status before it. */
function wrongReplay(task: string, status: string, audit: readonly AuditRow[]): string[] {
  const problems: string[] = []
  let replayed: string | null = null
  for (const { event, from, to } of audit) {
    if (to === null && from === null) continue
    if (from !== replayed) problems.push(`${task}: "${event}" changes from ${from}, but the status was ${replayed}`)
    if (from !== null && !transitions[from as Status].includes(to as Status))
      problems.push(`${task}: "${event}" illegally changes from ${from} to ${to}`)
    replayed = to
  }
  return replayed === status ? problems : [...problems, `${task} is ${status}, but ${replayed} in its audit`]
}
