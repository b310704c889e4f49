import { formatRelativeTime, formatTime } from '../format.ts'
import { MOST_COUNTED, type TasksAhead } from '../queue/records.ts'
import type { Reason, Why } from '../tasks/why-task.ts'

/** Why a task waits, a line for each reason. */
export function whyInWords({ task: { name, status, error }, run, reasons }: Why, now: Date): string {
  if (status === 'ongoing') {
    const by = run === undefined ? '' : `: ${run.workerId} has begun it ${formatRelativeTime(run.startedAt, now)}`
    return `${name} does not wait${by}.`
  }
  if (status !== 'pending') return `${name} does not wait, it is ${status}${error === undefined ? '' : `: ${error}`}.`
  if (reasons.length === 0) return `${name} need not wait: the next worker that looks takes it.`
  return [`${name} waits:`, ...reasons.map((reason) => `- ${reasonInWords(reason, now)}`)].join('\n')
}

function reasonInWords(reason: Reason, now: Date): string {
  switch (reason.kind) {
    case 'time':
      return `until ${formatTime(reason.runAt)} (${formatRelativeTime(reason.runAt, now)})`
    case 'prerequisite':
      return `for ${reason.task}, which is ${reason.status}`
    case 'key': {
      const since = formatRelativeTime(reason.since, now)
      return `for the key ${reason.key}, which ${reason.task} has (${reason.workerId}, begun ${since})`
    }
    case 'hold': {
      const { key, actor, reason: why, heldAt } = reason.hold
      const because = why === undefined ? '' : `, "${why}"`
      return `for the key ${key}, which ${actor} has taken ${formatRelativeTime(heldAt, now)}${because}: ops unhold ${key}`
    }
    case 'tasks_ahead':
      return `behind ${reason.ahead.map(countInWords).join(', ')}, as far as these need not wait themselves`
    case 'no_worker':
      return 'for a worker: none is alive, start one with ops worker'
  }
}

function countInWords({ processor, count }: TasksAhead): string {
  const shown = count >= MOST_COUNTED ? `${count} or more` : String(count)
  return `${shown} ${count === 1 ? 'task' : 'tasks'} of ${processor}`
}
