import type { Status } from '../../src/task/lifecycle.ts'

/** The contract, written down once more: what the sources render their triggers from is held to it. */
export const transitions: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['ongoing', 'canceled'],
  ongoing: ['succeeded', 'failed', 'canceled', 'pending'],
  succeeded: [],
  failed: ['pending'],
  canceled: ['pending'],
}

export const statuses = Object.keys(transitions) as Status[]

export function isSettled(status: Status): boolean {
  return status !== 'pending' && status !== 'ongoing'
}
