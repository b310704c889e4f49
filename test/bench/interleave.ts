import { join } from 'node:path'
import { execa } from 'execa'

/** One side of a comparison: a program in its own process that prints its figures as JSON. */
export interface Contender {
  readonly name: string
  readonly script: string
  readonly options: object
}

interface Row {
  readonly contender: string
  readonly median: number
  readonly ratio: number
  readonly min: number
  readonly max: number
  readonly runs: number
  /** What else the contender prints, such as the statements for a task. */
  readonly [figure: string]: number | string
}

/**
 * Runs contenders A B A B and prints a table of their medians and of the median of each round's ratio to the first, in
 * which slow rounds cancel.
 */
export async function interleave(title: string, contenders: readonly Contender[], rounds: number): Promise<void> {
  const figures = contenders.map(() => [] as number[])
  const others = contenders.map(() => [] as Record<string, number>[])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { script, options }] of contenders.entries()) {
      const file = join(import.meta.dirname, 'contenders', script)
      const { stdout } = await execa(process.execPath, [file, JSON.stringify(options)])
      const { perSecond, ...rest } = JSON.parse(stdout) as Record<string, number>
      figures[index]!.push(perSecond!)
      others[index]!.push(rest)
    }
  }
  const names = [...new Set(others.flat().flatMap((other) => Object.keys(other)))]
  const rows: Row[] = contenders.map(({ name }, index) => {
    const own = figures[index]!
    const ratios = own.map((figure, round) => figure / figures[0]![round]!)
    return {
      contender: name,
      median: median(own),
      ratio: median(ratios),
      min: Math.min(...own),
      max: Math.max(...own),
      runs: own.length,
      ...Object.fromEntries(names.map((name) => [name, medianOf(others[index]!.map((other) => other[name]))])),
    }
  })
  print(`${title}: per second, ratio to ${contenders[0]!.name}`, rows)
}

function medianOf(values: readonly (number | undefined)[]): number | string {
  const known = values.filter((value) => value !== undefined)
  return known.length > 0 ? median(known) : ''
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value below which the given share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
}

/** Prints rows as a Markdown table. */
export function print(title: string, rows: readonly object[]): void {
  const keys = Object.keys(rows[0] ?? {})
  const text = (value: unknown) =>
    typeof value === 'number'
      ? Math.abs(value) >= 100
        ? String(Math.round(value))
        : String(Number(value.toFixed(2)))
      : String(value)
  console.log(`\n### ${title}\n\n| ${keys.join(' | ')} |\n|${keys.map(() => '---').join('|')}|`)
  for (const row of rows)
    console.log(`| ${keys.map((key) => text((row as Record<string, unknown>)[key])).join(' | ')} |`)
}
