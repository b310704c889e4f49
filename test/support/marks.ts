import { existsSync, readFileSync } from 'node:fs'
import type { Sql } from './invariants.ts'

/** A line that a task's child process has appended to the file of marks. */
export interface Mark {
  readonly kind: 'start' | 'stop' | 'overlap'
  readonly run: number
  /** `note 3`. */
  readonly task: string
  readonly key: string | undefined
}

export function readMarks(file: string): Mark[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [kind, run, processor, id, key] = line.split(' ')
      return {
        kind: kind as Mark['kind'],
        run: Number(run),
        task: `${processor} ${id}`,
        key: key === '-' ? undefined : key,
      }
    })
}

/** A difference between what was done and what the database says. */
export interface WrongMark {
  /** `overlap`: two processes worked at once. */
  readonly kind: 'lost' | 'twice' | 'overlap'
  readonly text: string
}

/**
 * Compares the marks of what was done with what the database says.
 *
 * @param pruned how many runs are no longer in the database
 */
export async function wrongMarks(marks: readonly Mark[], sql: Sql, pruned = 0): Promise<WrongMark[]> {
  // What a client other than ops begins, it performs without marks.
  const rows = await sql(`select id, exclusive_key, outcome from ops_runs where worker_id <> 'sql'`)
  const runs = new Map(rows.map(({ id, outcome, exclusive_key }) => [Number(id), { outcome, key: exclusive_key }]))
  const problems: WrongMark[] = []
  const report = (kind: WrongMark['kind'], text: string) => void problems.push({ kind, text })
  const starts = new Map<number, number>()
  const unknown = new Map<number, string>()
  const stops = new Set<number>()
  const working = new Map<string, Mark>()
  for (const mark of marks) {
    const { kind, run, task, key } = mark
    if (kind === 'overlap') report('overlap', `run ${run} of ${task} started with ${key} while another process had it`)
    if (kind === 'stop') {
      stops.add(run)
      if (key !== undefined && working.get(key)?.run !== run)
        report('overlap', `run ${run} of ${task} lost ${key} to another run`)
    }
    if (kind !== 'start') continue
    starts.set(run, (starts.get(run) ?? 0) + 1)
    if (!runs.has(run)) unknown.set(run, task)
    else if ((runs.get(run)!.key ?? undefined) !== key) report('overlap', `run ${run} of ${task} did not hold ${key}`)
    if (key === undefined) continue
    // A run without a stop mark was killed with its worker or canceled: then its outcome is not success.
    const before = working.get(key)
    if (before && !stops.has(before.run) && runs.get(before.run)?.outcome === 'succeeded')
      report('overlap', `run ${run} of ${task} started with ${key} while run ${before.run} worked`)
    working.set(key, mark)
  }
  for (const [run, times] of starts) if (times > 1) report('twice', `run ${run} was performed ${times} times`)
  if (unknown.size > pruned)
    for (const [run, task] of unknown) report('lost', `run ${run} of ${task} worked, but is not in the database`)
  for (const [id, { outcome }] of runs)
    if (outcome === 'succeeded' && !(starts.has(id) && stops.has(id)))
      report('lost', `run ${id} succeeded without having been performed`)
  return problems
}
