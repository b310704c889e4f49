/** `3 min ago`, `in 2 h`. */
export function relativeTime(at: Date, now: Date): string {
  const apart = at.getTime() - now.getTime()
  const seconds = Math.round(Math.abs(apart) / 1000)
  if (seconds === 0) return 'now'
  return apart < 0 ? `${inWords(seconds)} ago` : `in ${inWords(seconds)}`
}

function inWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.round(seconds / 3600)
  // "in 30 h" says more than "in 1 day".
  return hours < 48 ? `${hours} h` : `${Math.round(seconds / 86_400)} days`
}
