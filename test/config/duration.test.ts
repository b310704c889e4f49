import { describe, expect, it } from 'vitest'
import { isDuration, parseDuration, toDurationText } from '../../src/config/duration.ts'

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1500],
    ['30s', 30_000],
    ['30 sec', 30_000],
    ['10m', 600_000],
    ['10min', 600_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['1y', 365.25 * 86_400_000],
    ['0s', 0],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text, 'timeout')).toBe(milliseconds)
  })

  it.each(['', '10', 's', '-5s', '1h30m', '5 weeks', 'soon'])('is not "%s"', (text) => {
    expect(() => parseDuration(text, 'timeout')).toThrow(`timeout: expected a duration such as "10m", got "${text}".`)
  })

  it.each(['365001d', '200000000d', '1e3d', `${'9'.repeat(400)}h`])('of at most a thousand years: not "%s"', (text) => {
    expect(isDuration(text)).toBe(false)
    expect(() => parseDuration(text, 'timeout')).toThrow(/^timeout: expected a duration (of at most "365000d"|such as)/)
    expect(parseDuration('365000d', 'timeout')).toBe(365_000 * 86_400_000)
  })

  it.each([
    [0, '0ms'],
    [0.4, '0ms'],
    [999, '999ms'],
    [1500, '1s 500ms'],
    [90_000, '1m 30s'],
    [600_000, '10m'],
    [3_600_000, '1h'],
    [3_661_001, '1h 1m'],
    [172_800_000, '48h'],
  ])('%d ms reads "%s"', (milliseconds, text) => {
    expect(toDurationText(milliseconds)).toBe(text)
  })
})
