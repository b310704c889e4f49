/** What a program reports on file descriptor 3. */
export interface ProgressLine {
  readonly fraction: number
  readonly note: string | undefined
}

/** What is longer without a line break is no report, and is not kept until there is one. */
const LONGEST = 64 * 1024

/** Calls back for each line that is a report: `0.4 linking`, `0.4`, or `{ "fraction": 0.4, "note": "linking" }`. */
export function progressLines(report: (fraction: number, note?: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!.slice(0, LONGEST)
    for (const line of lines) {
      const parsed = parseProgressLine(line)
      if (parsed) report(parsed.fraction, parsed.note)
    }
  }
}

/** A report, or undefined when the line is none. */
export function parseProgressLine(line: string): ProgressLine | undefined {
  const plain = /^\s*(\d*\.?\d+)(?:\s+(.*\S))?\s*$/.exec(line)
  if (plain) return { fraction: Number(plain[1]), note: plain[2] }
  try {
    const { fraction, note } = JSON.parse(line) as { fraction?: unknown; note?: unknown }
    if (typeof fraction !== 'number') return undefined
    return { fraction, note: typeof note === 'string' ? note : undefined }
  } catch {
    return undefined
  }
}
