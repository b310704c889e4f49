import * as v from 'valibot'

const message = 'must be a duration such as 500ms, 30s or 10m'

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration as text. */
export const durationText = v.pipe(v.string(message), v.regex(/^\d+(\.\d+)?\s*(ms|s|sec|m|min|h|d)$/, message))

/** A duration as text, read as milliseconds. */
export const duration = v.pipe(
  durationText,
  v.transform((text) => {
    const [, count, unit] = /^([\d.]+)\s*(\w+)$/.exec(text)!
    return Number(count) * milliseconds[unit!]!
  }),
)

/** `1500` as `1.5s`. */
export function inSeconds(duration: number): string {
  return `${Number((duration / 1000).toFixed(1))}s`
}
