import { formatDuration } from '../config/duration.ts'

/** How long something took, as exactly as anybody wants to know: `340ms`, `1.2s`, `3m 20s`. */
export function took(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`
  if (milliseconds < 60_000) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)}s`
  return formatDuration(Math.floor(milliseconds / 1000) * 1000)
}
