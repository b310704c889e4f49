import { describe, expect, it } from 'vitest'
import { progressLines } from '../../src/worker/progress-lines.ts'

function reported(...pieces: string[]): unknown[] {
  const reports: unknown[] = []
  const read = progressLines((fraction, note) => reports.push(note === undefined ? fraction : [fraction, note]))
  for (const piece of pieces) read(piece)
  return reports
}

describe('the reports of a program', () => {
  it('are numbers, numbers with words, and JSON, a line each', () => {
    expect(reported('0.4\n.5  half of it \n1\n{ "fraction": 0.7, "note": "linking" }\n{"fraction":0}\n')).toEqual([
      0.4,
      [0.5, 'half of it'],
      1,
      [0.7, 'linking'],
      0,
    ])
  })

  it('may come in pieces', () => {
    expect(reported('0.', '4 link', 'ing\n0.5', '\n')).toEqual([[0.4, 'linking'], 0.5])
  })

  it('are no other lines', () => {
    expect(reported('linking\n\n-1\n{ "fraction": "0.4" }\nnull\n[1]\n40%\n0.4 in the last line')).toEqual([])
  })

  it('are found behind a line without end, of which little is kept', () => {
    const noise = 'x'.repeat(1024 * 1024)
    expect(reported(noise, noise, '\n0.4\n')).toEqual([0.4])
  })
})
