import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lastLines, lastLinesOf, logLength } from '../../src/processor/log-tail.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('the last lines of a log', () => {
  it('start where the program did', async () => {
    const file = join(temporaryFolder(), 'build.log')
    expect(await logLength(file)).toBe(0)
    expect(await lastLines(file)).toEqual([])
    writeFileSync(file, 'before\n')
    const from = await logLength(file)
    expect(await lastLines(file, from)).toEqual([])
    writeFileSync(file, 'after\nwithout an end', { flag: 'a' })
    expect(await lastLines(file, from)).toEqual(['after', 'without an end'])
  })

  it('of a long log are whole ones', async () => {
    const file = join(temporaryFolder(), 'build.log')
    writeFileSync(file, Array.from({ length: 10_000 }, (_, index) => `line number ${index}\n`).join(''))
    const lines = await lastLines(file, 0, { count: 10_000 })
    expect(lines.at(-1)).toBe('line number 9999')
    expect(lines.filter((line) => !/^line number \d{4}$/.test(line))).toEqual([])
  })

  it('are what a terminal would show', () => {
    expect(lastLinesOf('\u001b[31mred\u001b[39m\n\n10 %\r100 %\r\n  indented \0\n')).toEqual([
      'red',
      '100 %',
      '  indented',
    ])
    expect(lastLinesOf('a\nb\nc\n', { count: 2 })).toEqual(['b', 'c'])
    expect(lastLinesOf('a long line', { length: 6 })).toEqual(['a lon…'])
  })
})
