import { describe, expect, it } from 'vitest'
import { isSettled, statuses, transitions } from '../../src/task/lifecycle.ts'
import { statusAfter } from '../../src/task/outcome.ts'

describe('the life of a task', () => {
  it('has these changes of state and no others', () => {
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

  it('is settled where no run can change it any more', () => {
    expect(statuses.filter(isSettled)).toEqual(['succeeded', 'failed', 'canceled'])
  })

  it('ends well only with an outcome that says so', () => {
    expect(statusAfter({ kind: 'succeeded', columns: {} })).toBe('succeeded')
    for (const kind of ['failed', 'timed_out', 'interrupted', 'crashed'] as const)
      expect(statusAfter({ kind, error: 'no such host' })).toBe('failed')
  })
})
