import { exitStatus, OpsError } from '../errors.ts'

const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** Whether a text is a size that `parseSize` reads. */
export function isSize(text: string): boolean {
  return sizeOf(text) !== undefined
}

/**
 * Reads a size such as `'500 kB'`, `'100 MB'` or `'2GB'`, in powers of 1000, as sizes are shown.
 *
 * @param subject what has the size, for the message: `worker.maxLog`
 * @returns bytes
 * @throws OpsError INVALID_SIZE
 */
export function parseSize(text: string, subject: string): number {
  const bytes = sizeOf(text)
  if (bytes !== undefined) return bytes
  throw new OpsError('INVALID_SIZE', `${subject}: expected a size such as "100 MB", got "${text.slice(0, 60)}".`, {
    exit: exitStatus.usage,
  })
}

function sizeOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,12}(?:\.\d{1,3})?)\s*(B|kB|MB|GB|TB)$/.exec(text) ?? []
  const bytes = Math.round(Number(count) * (units[unit ?? ''] ?? Number.NaN))
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined
}
