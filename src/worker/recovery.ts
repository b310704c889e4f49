import { rmSync } from 'node:fs'
import { failpoint } from '../failpoint.ts'
import { endGroups, groupsWithEnvironment, stillRunning } from '../platform/process-group.ts'
import type { OpenRun, QueuedTable } from '../queue/queue.ts'
import { FOREIGN_WRITER } from '../queue/records.ts'
import type { Outcome } from '../task/outcome.ts'
import { outcomeOfDead, outcomeOfOverdue } from './outcomes.ts'
import { type RunEnvironment, runMark, workDirectory } from './run-context.ts'

/** Between SIGTERM and SIGKILL for processes that outlived their worker. Short: the task is decided only after it. */
const GRACE_MS = 400

/** A live worker ends its task within this time after the deadline, its processes included. */
const OVERDUE_MS = 15_000

export interface RecoveredRun {
  readonly run: OpenRun
  readonly queued: QueuedTable
  readonly outcome: Outcome
}

/**
 * Settles the runs of workers that died, and runs long past their deadline, whose worker is stopped or hangs. What is
 * left of a run's processes on this machine is ended first, so that its exclusivity key is free only when nothing works
 * under it.
 */
export async function recoverRuns(
  { queue, workerId: own, stateDirectory }: RunEnvironment,
  tables: readonly QueuedTable[],
): Promise<RecoveredRun[]> {
  const recovered: RecoveredRun[] = []
  for (const run of await queue.openRuns()) {
    const queued = tables.find(({ table }) => table.name === run.taskTable)
    // A foreign writer has no lock that could show its death.
    if (!queued || run.workerId === own || run.workerId === FOREIGN_WRITER) continue
    const isDead = !(await queue.isAlive(run.workerId))
    if (!isDead && (run.overdue ?? 0) < OVERDUE_MS) continue
    failpoint('recover.before-ending-processes')
    await endProcesses(run)
    rmSync(workDirectory(stateDirectory, run.taskTable, run.taskId, run.attempt), { recursive: true, force: true })
    const outcome = isDead ? outcomeOfDead(run, queued) : outcomeOfOverdue(run, queued)
    if (await queue.settleDead(run, queued, outcome)) recovered.push({ run, queued, outcome })
    failpoint('recover.after-commit')
  }
  return recovered
}

async function endProcesses(run: OpenRun): Promise<void> {
  const recorded = stillRunning(run.processGroups, run.bootId).map(({ id }) => id)
  const marked = groupsWithEnvironment(`OPS_RUN=${runMark(run.workerId, run.id)}`)
  await endGroups([...new Set([...recorded, ...marked])], GRACE_MS)
}
