import { formatCount, formatRelativeTime, formatTime, oneLine } from '../format.ts'
import { MOST_COUNTED, type TasksAhead } from '../queue/records.ts'
import type { WaitExplanation, WaitReason } from '../tasks/explain-wait.ts'

/** Why a task is waiting, a line for each reason. */
export function formatWait(explanation: WaitExplanation, now: Date): string {
  return waitLines(explanation, now).map(oneLine).join('\n')
}

function waitLines({ task: { name, status, error }, run, reasons }: WaitExplanation, now: Date): string[] {
  if (status === 'ongoing') {
    const worker = run === undefined ? '' : `: ${run.workerId} started it ${formatRelativeTime(run.startedAt, now)}`
    return [`${name} is not waiting${worker}.`]
  }
  if (status !== 'pending') return [`${name} is not waiting: ${status}${error === undefined ? '' : `: ${error}`}.`]
  if (reasons.length === 0) return [`${name} is next: the first free worker takes it.`]
  return [`${name} is waiting:`, ...reasons.map((reason) => `- ${formatReason(reason, now)}`)]
}

function formatReason(reason: WaitReason, now: Date): string {
  switch (reason.kind) {
    case 'time':
      return `until ${formatTime(reason.runAt)} (${formatRelativeTime(reason.runAt, now)})`
    case 'prerequisite':
      return `for ${reason.task}, which is ${reason.status}`
    case 'key': {
      const since = formatRelativeTime(reason.since, now)
      return `for the key ${reason.key}, which ${reason.task} holds (${reason.workerId}, started ${since})`
    }
    case 'hold': {
      const { key, actor, reason: why, heldAt } = reason.hold
      const because = why === undefined ? '' : `, "${why}"`
      return `for the key ${key}, which ${actor} put on hold ${formatRelativeTime(heldAt, now)}${because}. Release it: ops unhold ${key}`
    }
    case 'tasks_ahead': {
      const behind = `behind ${reason.ahead.map(formatAhead).join(', ')}, unless those are waiting themselves`
      return reason.turnAt === undefined ? behind : `${behind}. ${formatTurn(reason.turnAt, now)}`
    }
    case 'no_worker':
      return 'for a worker: none is running. Start one: ops worker'
    case 'not_claimed': {
      const { processor, workers } = reason
      const running = formatCount(workers.length, 'running worker')
      return `for a worker that runs ${processor} tasks: ${running} (${workers.join(', ')}), but none for them. Start one: ops worker --only ${processor}`
    }
    case 'no_processor':
      return `for a processor: none has the table "${reason.table}". Install or enable its plugin: ops plugins install <package>`
  }
}

/** `worker.starvation` in the configuration. */
function formatTurn(at: Date, now: Date): string {
  const turn = 'one task at a time (worker.starvation)'
  if (at <= now) return `It has waited so long that its table comes before higher priorities, ${turn}`
  return `Its table comes before higher priorities from ${formatTime(at)} (${formatRelativeTime(at, now)}), ${turn}`
}

function formatAhead({ processor, count }: TasksAhead): string {
  return count >= MOST_COUNTED
    ? `${count} or more ${processor} tasks`
    : formatCount(count, `${processor} task`, `${processor} tasks`)
}
