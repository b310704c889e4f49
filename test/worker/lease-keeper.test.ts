import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LeaseKeeper } from '../../src/worker/lease-keeper.ts'

const isOpen = async () => true

/** A keeper of a lease of 20 s with a clock of its own, and a database that answers or does not. */
async function keeper() {
  const facts = { now: 0, answers: true, losses: 0, renewals: 0 }
  const silent: (() => void)[] = []
  const lease = {
    ms: 20_000,
    renewedAt: Number.NEGATIVE_INFINITY,
    heardAt: Number.NEGATIVE_INFINITY,
    renew() {
      facts.renewals += 1
      if (!facts.answers) return new Promise<void>((_, reject) => silent.push(() => reject(new Error('no answer'))))
      lease.renewedAt = facts.now
      return Promise.resolve()
    },
  }
  const kept = new LeaseKeeper(
    lease,
    () => {
      facts.losses += 1
    },
    () => facts.now,
  )
  /** Looks every second, as its timer does. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      facts.now += 1000
      kept.look()
      await turn()
    }
  }
  await pass(1)
  return {
    facts,
    lease,
    kept,
    pass,
    giveUp() {
      for (const reject of silent.splice(0)) reject()
    },
  }
}

describe('a lease', () => {
  it('is held as long as the database answers', async () => {
    const { facts, kept, pass } = await keeper()
    await pass(100)
    expect([kept.isHeld, facts.losses]).toEqual([true, 0])
  })

  it('is renewed more often while a task runs', async () => {
    const { facts, kept, pass } = await keeper()
    await pass(20)
    const idle = facts.renewals
    kept.setInUse(true)
    await pass(20)
    expect([idle, facts.renewals - idle]).toEqual([5, 10])
  })

  it('is lost once, as soon as it has expired, and held again after the next answer', async () => {
    const { facts, kept, pass, giveUp } = await keeper()
    kept.setInUse(true)
    facts.answers = false
    await pass(19)
    expect([kept.isHeld, facts.losses]).toEqual([true, 0])
    await pass(1)
    expect([kept.isHeld, facts.losses]).toEqual([false, 1])
    giveUp()
    await pass(30)
    expect([kept.isHeld, facts.losses]).toEqual([false, 1])
    giveUp()
    facts.answers = true
    await pass(2)
    expect(kept.isHeld).toBe(true)
  })

  it('counts from when a renewal was sent, however late its answer is', async () => {
    const { facts, kept } = await keeper()
    let answer = () => {}
    const sentAt = facts.now
    const lease = {
      ms: 20_000,
      renewedAt: Number.NEGATIVE_INFINITY,
      heardAt: Number.NEGATIVE_INFINITY,
      renew: () =>
        new Promise<void>((resolve) => {
          answer = () => {
            lease.renewedAt = sentAt
            resolve()
          }
        }),
    }
    const late = new LeaseKeeper(
      lease,
      () => {},
      () => facts.now,
    )
    late.look()
    facts.now += 21_000
    answer()
    await turn()
    expect([kept.isHeld, late.isHeld]).toEqual([false, false])
  })

  it('is not lost by a process that was stopped, if the database then answers', async () => {
    const { facts, kept, pass } = await keeper()
    facts.now += 3_600_000
    expect(kept.isHeld).toBe(false)
    expect(await kept.verify(isOpen)).toBe(true)
    await pass(5)
    expect(facts.losses).toBe(0)
  })

  it('that is held again is of no use for a run that was taken over, or about which nobody knows', async () => {
    const { facts, kept } = await keeper()
    facts.now += 3_600_000
    expect(await kept.verify(async () => false)).toBe(false)
    facts.now += 3_600_000
    expect(await kept.verify(() => Promise.reject(new Error('no answer')))).toBe(false)
    facts.now += 3_600_000
    const stoppedAgain = async () => {
      facts.now += 3_600_000
      return true
    }
    expect(await kept.verify(stoppedAgain)).toBe(false)
  })

  it('is not renewed while searches for a task are answered, and begins with the claim', async () => {
    const { facts, lease, kept, pass } = await keeper()
    for (let second = 0; second < 60; second += 1) {
      lease.heardAt = facts.now
      await pass(1)
    }
    expect([facts.renewals, kept.isHeld]).toEqual([1, false])
    lease.renewedAt = facts.now
    kept.setInUse(true)
    await pass(1)
    expect([facts.renewals, kept.isHeld, facts.losses]).toEqual([1, true, 1])
    await pass(4)
    expect([facts.renewals, facts.losses]).toEqual([3, 1])
  })

  it('is lost by a process that was stopped, if the database does not answer for a moment', async () => {
    const { facts, kept, pass } = await keeper()
    facts.now += 3_600_000
    facts.answers = false
    const verified = kept.verify(isOpen)
    await pass(1)
    expect(facts.losses).toBe(0)
    await pass(3)
    expect(facts.losses).toBe(1)
    expect(await verified).toBe(false)
  })

  it('is lost also by a process that is stopped again and again', async () => {
    const { facts, pass } = await keeper()
    facts.answers = false
    for (let stop = 0; stop < 3; stop += 1) {
      facts.now += 19_000
      await pass(1)
    }
    expect(facts.losses).toBe(1)
  })

  it('is always held where the queue has none', async () => {
    const kept = new LeaseKeeper(undefined, () => {})
    kept.start()
    kept.setInUse(true)
    expect([kept.isHeld, await kept.verify(isOpen)]).toEqual([true, true])
  })
})
