/** The states of a task and the changes between them that are legal. The database's triggers are rendered from these. */

export const statuses = ['pending', 'ongoing', 'succeeded', 'failed', 'canceled'] as const

export type Status = (typeof statuses)[number]

export const transitions: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['ongoing', 'canceled'],
  ongoing: ['succeeded', 'failed', 'canceled', 'pending'],
  succeeded: [],
  failed: ['pending'],
  canceled: ['pending'],
}

export function isSettled(status: Status): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled'
}
