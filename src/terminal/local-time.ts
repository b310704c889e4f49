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
