/** `2030-01-31 12:00:00`, in the time zone of the machine or in the one that is named. */
export function localTime(at: Date, timeZone?: string): string {
  // Swedish is the language in which dates are written so.
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }).format(at)
}

/** The same without the year, and of today without the date. */
export function shortTime(at: Date, now: Date, timeZone?: string): string {
  const [date, time] = localTime(at, timeZone).split(' ')
  return date === localTime(now, timeZone).split(' ')[0] ? time! : `${date!.slice(5)} ${time}`
}

/** `12:00:00.250`, in the time zone of the machine. */
export function clock(at: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  return `${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
