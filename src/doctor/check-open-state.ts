import { actor } from '../platform/actor.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed } from '../queue/check.ts'
import { describeViolation, type Violation } from '../queue/invariants.ts'
import type { Queue, QueuedTable } from '../queue/queue.ts'
import { FOREIGN_WRITER } from '../queue/records.ts'
import { literal, quote } from '../queue/sql-fragments.ts'

const MOST_PASSES = 5

/**
 * Checks whether tasks, open runs and their keys agree.
 *
 * @param fix whether to correct what does not; all history is read then
 */
export async function checkOpenState(
  { queue }: Project,
  tables: readonly QueuedTable[],
  fix: boolean,
): Promise<Check[]> {
  const names = tables.map(({ table }) => table.name)
  const violations = await queue.invariants.find(names, { history: fix })
  if (violations.length === 0) return [passed('open runs', 'agree with the tasks')]
  const repairs: string[] = []
  let left: readonly Violation[] = violations
  // One repair can show another contradiction: that of a status and the end of its run.
  for (let pass = 0; fix && left.length > 0 && pass < MOST_PASSES; pass += 1) {
    const lost = left.filter(({ code }) => code === 'RUN_WITHOUT_ROW')
    // What a run has lost explains the other contradictions of its task.
    repairs.push(...(await repairAll(queue, tables, lost.length > 0 ? lost : left)))
    left = await queue.invariants.find(names, { history: true })
  }
  return [
    ...(repairs.length > 0 ? [passed('open runs', `repaired: ${repairs.join('; ')}`)] : []),
    ...left.map((violation) =>
      failed('open runs', {
        code: violation.code,
        severity: 'error',
        message: describeViolation(violation),
        suggestions: [suggestionFor(violation, fix)],
      }),
    ),
  ]
}

function suggestionFor({ code, table, taskId }: Violation, fix: boolean): string {
  if (code === 'STATUS_UNKNOWN') {
    const id = typeof taskId === 'string' ? literal(taskId) : taskId
    return `set one of them: update ${quote(table!)} set status = 'canceled' where id = ${id}`
  }
  if (!fix) return 'ops doctor --fix'
  return code === 'RUN_WITHOUT_TASK'
    ? 'its worker corrects it when the run ends; to end it now: stop the worker of this run'
    : 'stop the worker of this run, then repeat: ops doctor --fix'
}

async function repairAll(
  queue: Queue,
  tables: readonly QueuedTable[],
  violations: readonly Violation[],
): Promise<string[]> {
  const by = actor('doctor')
  const repaired: string[] = []
  for (const violation of violations) {
    if (await repairOne(queue, tables, violation, by)) repaired.push(describeViolation(violation))
  }
  return repaired
}

async function repairOne(
  queue: Queue,
  tables: readonly QueuedTable[],
  violation: Violation,
  by: string,
): Promise<boolean> {
  const { code, table, taskId, runId, workerId } = violation
  if (code === 'STATUS_UNKNOWN') return false
  const isAlive = async (id: string) => id !== FOREIGN_WRITER && (await queue.isAlive(id))
  if (code === 'RUN_WITHOUT_ROW' && (await isAlive(workerId!))) {
    await queue.invariants.restore(violation, by)
    return true
  }
  const queued = tables.find((each) => each.table.name === table)
  if (code === 'TASK_WITHOUT_RUN') {
    return (await queue.cancel(queued!.table, taskId!, by))?.change === 'canceled'
  }
  if (code === 'RUN_WITHOUT_TASK') {
    const run = (await queue.openRuns()).find(({ id }) => id === runId)
    if (!run || (await isAlive(run.workerId))) return false
    return queue.settleDead(run, queued!, {
      kind: 'crashed',
      error: 'its task was changed while the triggers were missing',
    })
  }
  await queue.invariants.repair(violation, by)
  return true
}
