import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCommand,
  formatCount,
  formatDuration,
  formatExit,
  formatRelativeTime,
  formatShortTime,
  formatTime,
} from '../src/format.ts'

const now = new Date('2030-01-31T12:00:00Z')
const minute = 60_000
const hour = 60 * minute

describe('a relative time', () => {
  it.each([
    [0, 'now'],
    [-499, 'now'],
    [-1000, '1 s ago'],
    [59_400, 'in 59 s'],
    [59_600, 'in 1 m'],
    [-3 * minute, '3 m ago'],
    [5 * minute - 1, 'in 5 m'],
    [59.7 * minute, 'in 1 h'],
    [-47 * hour, '47 h ago'],
    [-48 * hour, '2 d ago'],
    [400 * 24 * hour, 'in 400 d'],
  ])('of %i ms is "%s"', (apart, text) => {
    expect(formatRelativeTime(new Date(now.getTime() + apart), now)).toBe(text)
  })
})

describe('a duration', () => {
  it.each([
    [0.4, '0 ms'],
    [340, '340 ms'],
    [1290, '1.2 s'],
    [59_990, '59 s'],
    [60_000, '1 m'],
    [200_900, '3 m 20 s'],
    [2 * hour + 3 * minute, '2 h 3 m'],
  ])('of %d ms is "%s"', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })
})

describe('a local time', () => {
  it('is that of the time zone that is named', () => {
    expect(formatTime(now, 'America/New_York')).toBe('2030-01-31 07:00:00')
    expect(formatTime(now, 'Asia/Tokyo')).toBe('2030-01-31 21:00:00')
  })

  it('has no date in short when it is today there', () => {
    const at = new Date('2030-01-31T15:30:00Z')
    expect(formatShortTime(at, now, 'UTC')).toBe('15:30:00')
    expect(formatShortTime(at, now, 'Asia/Tokyo')).toBe('02-01 00:30:00')
  })
})

describe('a size and a count', () => {
  it.each([
    [512, '512 B'],
    [4_100_000, '4.1 MB'],
    [250_000, '250 kB'],
  ])('of %i bytes is "%s"', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('has the plural where it needs one', () => {
    expect(formatCount(1, 'task')).toBe('1 task')
    expect(formatCount(1200, 'entry', 'entries')).toBe('1,200 entries')
  })
})

describe('a command to copy', () => {
  it('has quotes where a shell needs them', () => {
    expect(formatCommand('ops', 'plugins', 'install', '@shop/a@^1.2.0', 'ann/b#v1', 'c@>=2')).toBe(
      "ops plugins install @shop/a@^1.2.0 ann/b#v1 'c@>=2'",
    )
    expect(formatCommand('cd', "/srv/Ann's shop", '~', '')).toBe(`cd '/srv/Ann'\\''s shop' '~' ''`)
  })
})

describe('the exit of a program', () => {
  const none = { exitCode: undefined, signal: undefined }

  it.each([
    [{ ...none, exitCode: 2 }, 'failed with exit code 2'],
    [{ ...none, exitCode: 0 }, 'exited with code 0'],
    [{ exitCode: 137, signal: 'SIGKILL' }, 'was killed by SIGKILL'],
    [{ ...none, code: 'ENOENT' }, 'could not be started: program not found'],
    [{ ...none, code: 'EACCES' }, 'could not be started: not executable'],
    [{ ...none, code: 'E2BIG', originalMessage: 'spawn E2BIG' }, 'could not be started: spawn E2BIG'],
  ])('%j is worded %j', (exit, text) => {
    expect(formatExit(exit)).toBe(text)
  })
})
