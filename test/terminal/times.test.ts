import { describe, expect, it } from 'vitest'
import { localTime, shortTime } from '../../src/terminal/local-time.ts'
import { relativeTime } from '../../src/terminal/relative-time.ts'
import { took } from '../../src/terminal/took.ts'

const now = new Date('2030-01-31T12:00:00Z')
const minute = 60_000
const hour = 60 * minute

describe('a relative time', () => {
  it.each([
    [0, 'now'],
    [-499, 'now'],
    [-1000, '1 s ago'],
    [59_400, 'in 59 s'],
    [59_600, 'in 1 min'],
    [-3 * minute, '3 min ago'],
    [5 * minute - 1, 'in 5 min'],
    [59.7 * minute, 'in 1 h'],
    [-47 * hour, '47 h ago'],
    [-48 * hour, '2 days ago'],
    [400 * 24 * hour, 'in 400 days'],
  ])('of %i ms is "%s"', (apart, text) => {
    expect(relativeTime(new Date(now.getTime() + apart), now)).toBe(text)
  })
})

describe('what something took', () => {
  it.each([
    [0.4, '0ms'],
    [340, '340ms'],
    [1290, '1.2s'],
    [59_990, '59.9s'],
    [60_000, '1m'],
    [200_900, '3m 20s'],
    [2 * hour + 3 * minute, '2h 3m'],
  ])('of %d ms is "%s"', (milliseconds, text) => {
    expect(took(milliseconds)).toBe(text)
  })
})

describe('a local time', () => {
  it('is that of the time zone that is named', () => {
    expect(localTime(now, 'America/New_York')).toBe('2030-01-31 07:00:00')
    expect(localTime(now, 'Asia/Tokyo')).toBe('2030-01-31 21:00:00')
  })

  it('has no date in short when it is today there', () => {
    const at = new Date('2030-01-31T15:30:00Z')
    expect(shortTime(at, now, 'UTC')).toBe('15:30:00')
    expect(shortTime(at, now, 'Asia/Tokyo')).toBe('02-01 00:30:00')
  })
})
