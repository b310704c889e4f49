import { describe, expect, it } from 'vitest'
import { statuses, transitions } from '../../src/task/lifecycle.ts'
import { statusAfter } from '../../src/task/outcome.ts'

describe('the status of a task', () => {
  // The triggers of both databases are rendered from the transitions and tested against them.
  it('has the transitions of the contract and no others', () => {
    const changes = statuses.flatMap((from) => transitions[from].map((to) => `${from} → ${to}`))
    expect(changes.sort()).toEqual([
      'canceled → pending',
      'failed → pending',
      'ongoing → canceled',
      'ongoing → failed',
      'ongoing → pending',
      'ongoing → succeeded',
      'pending → canceled',
      'pending → ongoing',
    ])
  })

  it('after a run is failed, or pending where it is retried, whatever ended the run', () => {
    expect(statusAfter({ kind: 'succeeded', columns: {} })).toBe('succeeded')
    expect(statusAfter({ kind: 'canceled', error: 'canceled by ada' })).toBe('canceled')
    for (const kind of ['failed', 'timed_out', 'interrupted', 'crashed', 'quarantined'] as const)
      expect(statusAfter({ kind, error: 'no such host' })).toBe('failed')
    expect(statusAfter({ kind: 'crashed', error: 'no such host', return: {} })).toBe('pending')
  })
})
