import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Progress } from '../../src/worker/progress.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function recorded(): { progress: Progress; written: [number, string | undefined][] } {
  const written: [number, string | undefined][] = []
  const progress = new Progress(async ({ fraction, note }) => {
    written.push([fraction, note])
  })
  return { progress, written }
}

describe('progress', () => {
  it('writes the first report at once, and of many the latest after a quarter of a second', async () => {
    const { progress, written } = recorded()
    for (let step = 0; step <= 10; step += 1) progress.report(step / 10, `step ${step}`)
    await vi.advanceTimersByTimeAsync(0)
    expect(written).toEqual([[0, 'step 0']])
    await vi.advanceTimersByTimeAsync(249)
    expect(written).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(written).toEqual([
      [0, 'step 0'],
      [1, 'step 10'],
    ])
  })

  it('writes four times in a second of ceaseless reports', async () => {
    const { progress, written } = recorded()
    for (let at = 0; at < 1000; at += 1) {
      progress.report(at / 1000)
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(written.map(([fraction]) => fraction)).toEqual([0, 0.249, 0.499, 0.749, 0.999].slice(0, written.length))
    expect(written.length).toBeLessThanOrEqual(5)
  })

  it('writes the last report when it is closed', async () => {
    const { progress, written } = recorded()
    progress.report(0.1)
    progress.report(0.7, 'nearly')
    await progress.close()
    expect(written).toEqual([
      [0.1, undefined],
      [0.7, 'nearly'],
    ])
    await vi.advanceTimersByTimeAsync(1000)
    expect(written).toHaveLength(2)
  })

  it('keeps a report between 0 and 1, and refuses what is no number', async () => {
    const { progress, written } = recorded()
    progress.report(-3)
    progress.report(7)
    await progress.close()
    expect(written).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    expect(() => progress.report(Number.NaN)).toThrow('progress takes a number from 0 to 1, not NaN')
  })

  it('goes on after a report that could not be written', async () => {
    let failures = 0
    const progress = new Progress(async () => {
      failures += 1
      throw new Error('busy')
    })
    progress.report(0.1)
    progress.report(0.2)
    await progress.close()
    expect(failures).toBe(2)
  })
})
