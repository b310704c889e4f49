import { type Status, transitions } from '../../../src/task/lifecycle.ts'
import type { AuditRow, RunRow, Snapshot } from './snapshot.ts'

/** What must hold at any moment, whatever has happened: a sentence for each thing that is wrong. */
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
    .map(({ id, key }) => `run ${id} is open under ${key}, which another open run has`)
}

/** A run begins once and ends at most once, by the audit as by its row. */
function wrongRun({ id, task, isOpen, outcome }: RunRow, audit: readonly AuditRow[]): string[] {
  const own = audit.filter(({ run, from, to }) => run === id && from !== to && to !== null)
  const events = own.map(({ event }) => event)
  const wanted = isOpen ? 1 : 2
  return [
    ...(own.some((entry) => entry.task !== task) ? [`run ${id} is of ${task}, and by the audit of another too`] : []),
    ...(events[0] === 'started' && events.length === wanted ? [] : [`run ${id} has the events ${events.join(', ')}`]),
    ...(isOpen || outcome !== null ? [] : [`run ${id} has ended without an outcome`]),
    ...(outcome === 'succeeded' && events[1] !== 'succeeded' ? [`run ${id} succeeded and its task did not`] : []),
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
      : [`${task} is ${status}, and its last run is ${last?.outcome}`]),
  ]
}

/** Each change is on record, is legal, and begins where the one before it ended. */
function wrongReplay(task: string, status: string, audit: readonly AuditRow[]): string[] {
  const problems: string[] = []
  let replayed: string | null = null
  for (const { event, from, to } of audit) {
    if (to === null && from === null) continue
    if (from !== replayed) problems.push(`${task}: "${event}" is from ${from}, and it was ${replayed}`)
    if (from !== null && !transitions[from as Status].includes(to as Status))
      problems.push(`${task}: "${event}" goes from ${from} to ${to}`)
    replayed = to
  }
  return replayed === status ? problems : [...problems, `${task} is ${status}, and by its audit it is ${replayed}`]
}
