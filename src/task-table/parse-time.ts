const TIME = /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?$/i

/**
 * The time of a text such as `2030-01-31` or `2030-01-31T12:00:00Z`; undefined for any other, also for a day that does not exist:
 * JavaScript takes 2026-02-30 for March 2.
 */
export function parseTime(text: string): Date | undefined {
  const [, year, month, day] = TIME.exec(text.trim()) ?? []
  const at = new Date(text.trim())
  if (year === undefined || Number.isNaN(at.getTime())) return undefined
  const isLeap = new Date(Date.UTC(2000 + (Math.abs(Number(year)) % 400), 1, 29)).getUTCMonth() === 1
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return Number(day) <= days[Number(month) - 1]! ? at : undefined
}
