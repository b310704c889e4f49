import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Progress, progressReader } from '../../src/worker/progress.ts'

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
  it('writes the first report at once, then the latest of many after a quarter of a second', async () => {
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

  it('writes four times a second at most', async () => {
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

  it('clamps a report to 0..1, and rejects what is not a number', async () => {
    const { progress, written } = recorded()
    progress.report(-3)
    progress.report(7)
    await progress.close()
    expect(written).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    expect(() => progress.report(Number.NaN)).toThrow('expected a progress from 0 to 1, got NaN')
  })

  it('continues after a report that could not be written', async () => {
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

function reported(...pieces: string[]): unknown[] {
  const reports: unknown[] = []
  const read = progressReader((fraction, note) => reports.push(note === undefined ? fraction : [fraction, note]))
  for (const piece of pieces) read(piece)
  return reports
}

describe('the reports of a program', () => {
  it('are numbers, numbers with a note, and JSON, one per line', () => {
    expect(reported('0.4\n.5  half of it \n1\n{ "fraction": 0.7, "note": "linking" }\n{"fraction":0}\n')).toEqual([
      0.4,
      [0.5, 'half of it'],
      1,
      [0.7, 'linking'],
      0,
    ])
  })

  it('may arrive in pieces', () => {
    expect(reported('0.', '4 link', 'ing\n0.5', '\n')).toEqual([[0.4, 'linking'], 0.5])
  })

  it('exclude every other line', () => {
    expect(reported('linking\n\n-1\n{ "fraction": "0.4" }\nnull\n[1]\n40%\n0.4 in the last line')).toEqual([])
  })

  it('are found after an endless line, of which little is kept', () => {
    const noise = 'x'.repeat(1024 * 1024)
    expect(reported(noise, noise, '\n0.4\n')).toEqual([0.4])
  })
})
