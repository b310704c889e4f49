import { formatDuration } from '../format.ts'
import type { EnqueuedTask, Run } from '../queue/queue.ts'
import type { Return } from '../task/outcome.ts'

export function formatKept(found: string, status: string | undefined): string {
  return found === status ? 'it keeps that status' : `it is "${status}" now, as its run has ended`
}

export function formatAdded(task: EnqueuedTask | undefined, name: string | undefined): string {
  if (task?.scheduledFor) return `${name} was scheduled for ${task.scheduledFor.toISOString()} and is now due`
  return task?.isNew ? `enqueued ${name}` : `${name} already exists`
}

export function messageOf(error: unknown): string {
  return (error as Error).message.replace(/\.$/, '')
}

export function formatReturn(back: Return | undefined): string {
  if (!back) return ''
  return back.delay === undefined ? '; pending again' : `; retrying in ${formatDuration(back.delay)}`
}

export function nameOf({ queued, taskId }: Run): string {
  return `${queued.processor} ${taskId}`
}

export function fieldsOf(run: Run): object {
  return { task: nameOf(run), run: run.id, attempt: run.attempt }
}
