const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** What ops takes for a duration. */
export const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min|h|d)$/

/** Reads a text that matches `DURATION`. */
export function milliseconds(text: string): number {
  const [, amount, unit] = DURATION.exec(text)!
  return Number(amount) * units[unit!]!
}
