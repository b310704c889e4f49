import { rmSync } from 'node:fs'
import { toDurationText } from '../config/duration.ts'
import { failpoint } from '../failpoint.ts'
import { bootId, groupsWithEnvironment, isSameGroup } from '../platform/leftover-groups.ts'
import { endGroups } from '../platform/process-group.ts'
import type { OpenRun, QueuedTable } from '../queue/queue.ts'
import { FOREIGN_WRITER } from '../queue/records.ts'
import type { Outcome } from '../task/outcome.ts'
import { tryAgain } from '../task/try-again.ts'
import { type RunEnvironment, runMark, workDirectory } from './run-context.ts'

/** Between SIGTERM and SIGKILL for processes that outlived their worker. Short: the task is decided only after it. */
const GRACE_MS = 400

/** A worker ends its task within this time after the deadline, its processes and what else goes on included. */
const OVERDUE_MS = 15_000

/** A run that was decided for a worker that died. */
export interface Recovered {
  readonly run: OpenRun
  readonly queued: QueuedTable
  readonly outcome: Outcome
}

/**
 * Decides the runs of workers that died: first what is left of a run's processes on this machine is ended, then the run
 * is settled, so that its exclusivity key is free only when nothing works under it any more. The same for runs that are
 * long past their deadline: their worker is stopped, or hangs.
 */
export async function recoverDeadRuns(
  { queue, workerId: own, stateDirectory }: RunEnvironment,
  tables: readonly QueuedTable[],
): Promise<Recovered[]> {
  const recovered: Recovered[] = []
  for (const run of await queue.openRuns()) {
    const queued = tables.find(({ table }) => table.name === run.taskTable)
    if (!queued || run.workerId === own || !isWorker(run)) continue
    const isDead = !(await queue.isAlive(run.workerId))
    if (!isDead && (run.overdue ?? 0) < OVERDUE_MS) continue
    failpoint('recover.before-ending-processes')
    await endProcesses(run)
    rmSync(workDirectory(stateDirectory, run.taskTable, run.taskId, run.attempt), { recursive: true, force: true })
    const outcome = isDead ? outcomeOfDead(run, queued) : outcomeOfLate(run, queued)
    if (await queue.settleDead(run, queued, outcome)) recovered.push({ run, queued, outcome })
    failpoint('recover.after-commit')
  }
  return recovered
}

/** What becomes of a task whose worker died. */
export function outcomeOfDead(run: OpenRun, { retryRules }: Pick<QueuedTable, 'retryRules'>): Outcome {
  const error = `worker ${run.workerId} died`
  if (run.cancelRequestedBy !== undefined)
    return { kind: 'canceled', error: `canceled by ${run.cancelRequestedBy}; ${error}` }
  return tryAgain({ kind: 'crashed', error }, retryRules, run)
}

function outcomeOfLate({ workerId }: OpenRun, { timeout }: QueuedTable): Outcome {
  const after = timeout === undefined ? '' : ` after ${toDurationText(timeout)}`
  return { kind: 'timed_out', error: `timed out${after}; worker ${workerId} did not end it` }
}

/** A writer that is not ops has no life that could be seen to end. */
function isWorker({ workerId }: OpenRun): boolean {
  return workerId !== FOREIGN_WRITER
}

async function endProcesses(run: OpenRun): Promise<void> {
  const recorded = run.bootId === bootId() ? run.processGroups.filter(isSameGroup).map(({ id }) => id) : []
  const marked = groupsWithEnvironment(`OPS_RUN=${runMark(run.workerId, run.id)}`)
  await endGroups([...new Set([...recorded, ...marked])], GRACE_MS)
}
