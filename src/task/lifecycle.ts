/** The statuses of a task and the legal transitions, from which the triggers of the database are rendered. */

export const statuses = ['pending', 'ongoing', 'succeeded', 'failed', 'canceled'] as const

export type Status = (typeof statuses)[number]

export const transitions: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['ongoing', 'canceled'],
  ongoing: ['succeeded', 'failed', 'canceled', 'pending'],
  succeeded: [],
  failed: ['pending'],
  canceled: ['pending'],
}

export const settledStatuses = ['succeeded', 'failed', 'canceled'] as const

export type SettledStatus = (typeof settledStatuses)[number]

export function isSettled(status: Status): status is SettledStatus {
  return status === 'succeeded' || status === 'failed' || status === 'canceled'
}
