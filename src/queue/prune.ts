import { createHash, randomUUID } from 'node:crypto'
import type { SettledStatus } from '../task/lifecycle.ts'
import { columnNamed } from '../task-table/task-table.ts'
import type { PrunedFiles, PruneOptions, PrunePass, PruneStep, PruneTable } from './history.ts'
import { fateOf, isOld, type PruneFacts, type PruneRow, type Reference } from './prune-decisions.ts'
import type { QueuedTable } from './queued-table.ts'

/** A task with its history, as it is deleted. */
export interface PrunedTask extends PrunedFiles {
  readonly status: SettledStatus
  readonly settledAt: Date
  readonly runs: number
  readonly events: number
  /** JSON. */
  readonly line: string
}

/** What is left of a pruning, if its process is killed. */
export interface PruneProgress {
  readonly actor: string
  readonly pass: PrunePass | undefined
  readonly files: { readonly table: string; readonly tasks: readonly PrunedFiles[] } | undefined
}

/** What a database does for a pruning. Each method is a transaction of its own. */
export interface PruneDatabase {
  /** How long one transaction may take, in milliseconds. */
  readonly targetMs: number
  references(queued: QueuedTable, all: readonly QueuedTable[]): Promise<Reference[]>
  /** Undefined if another process prunes or has pruned. Writes the event of a pass that was killed, and returns its progress. */
  begin(holder: string, every: number | undefined): Promise<{ left: PruneProgress | undefined } | undefined>
  /** Settled and unsettled tasks after an id, in the order of the ids. */
  scan(queued: QueuedTable, after: unknown, limit: number): Promise<PruneRow[]>
  /** @param hasHistory whether to read when something happened last */
  facts(
    queued: QueuedTable,
    rows: readonly PruneRow[],
    references: readonly Reference[],
    hasHistory: boolean,
  ): Promise<PruneFacts[]>
  /** Deletes tasks with their history; returns for how many milliseconds others waited, undefined if another process has taken the pruning over. */
  remove(
    holder: string,
    queued: QueuedTable,
    references: readonly Reference[],
    batch: Batch,
  ): Promise<number | undefined>
  /** Writes the event of the pass. */
  finish(holder: string, progress: PruneProgress | undefined, state: 'pass' | 'paused' | 'complete'): Promise<void>
  /** Gives a little space back; false when there is no more. */
  reclaim(holder: string): Promise<boolean>
  /** Lets others write after a transaction of so many milliseconds. */
  rest(milliseconds: number): Promise<void>
}

/** What is decided about a batch inside its transaction. */
export interface Batch {
  readonly rows: readonly PruneRow[]
  /** The place of those in a list that may still go. */
  choose(rows: readonly PruneRow[], facts: readonly PruneFacts[]): PruneRow[]
  /** Archives them. They are deleted next. */
  account(tasks: readonly PrunedTask[]): PruneProgress
}

const SCANNED_AT_ONCE = 1000
const FIRST_BATCH = 50
/** An archive is flushed to the disk once a batch, whatever its size. */
const SMALLEST_ARCHIVED = 200
const LARGEST_BATCH = 2000

/** See `History.prune`. */
export async function* pruneTables(
  database: PruneDatabase,
  tables: readonly PruneTable[],
  options: PruneOptions,
): AsyncGenerator<PruneStep, void, void> {
  if (options.isDryRun) return yield* rehearse(database, tables, options.all)
  const holder = randomUUID()
  const begun = await database.begin(holder, options.every)
  if (!begun) return
  const { left } = begun
  if (left?.files) yield { table: left.files.table, files: left.files.tasks, groups: [], kept: 0 }
  let size = FIRST_BATCH
  for (const { queued, before } of tables) {
    const pass = new Pass(queued.table.name, before, options)
    const references = await database.references(queued, options.all)
    let state: 'pass' | 'paused' = 'paused'
    try {
      // The history is read as the task is deleted.
      for await (const { candidates, kept } of look(database, { queued, before }, references, false)) {
        if (candidates.length === 0) yield { table: pass.table, files: [], groups: [], kept }
        for (let from = 0; from < candidates.length; ) {
          const rows = candidates.slice(from, from + size)
          const took = await database.remove(holder, queued, references, pass.batch(rows))
          if (took === undefined) return
          const step = pass.commit()
          const fitting = Math.round((rows.length * database.targetMs) / Math.max(took, 0.1))
          from += rows.length
          size = Math.min(LARGEST_BATCH, Math.max(options.archive ? SMALLEST_ARCHIVED : 1, Math.min(fitting, size * 2)))
          yield { ...step, kept: from < candidates.length ? 0 : kept }
          await database.rest(took)
        }
      }
      state = 'pass'
    } finally {
      await database.finish(holder, pass.progress, state)
    }
    size = Math.min(size, FIRST_BATCH)
  }
  try {
    while (await database.reclaim(holder)) yield { table: '', files: [], groups: [], kept: 0 }
  } finally {
    await database.finish(holder, undefined, 'complete')
  }
}

/** The tasks of a table that go, and how many stay because others need them. */
async function* look(
  database: PruneDatabase,
  { queued, before }: PruneTable,
  references: readonly Reference[],
  hasHistory: boolean,
  isGone = (_: { table: string; id?: string }) => false,
): AsyncGenerator<{ candidates: PruneRow[]; kept: number }> {
  const latest = Math.max(...Object.values(before).map((at) => at.getTime()))
  // Numbers are given in the order of the inserts, so that the rest is younger.
  const isOrdered = columnNamed(queued.table, 'id')?.type === 'integer'
  for (let after: unknown; ; ) {
    const rows = await database.scan(queued, after, SCANNED_AT_ONCE)
    const old = rows.filter((row) => isOld(row, before))
    const facts = await database.facts(queued, old, references, hasHistory)
    const fates = old.map((row, index) => fateOf(row, facts[index]!, before, isGone))
    yield {
      candidates: old.filter((_, index) => fates[index] === 'goes'),
      kept: fates.filter((fate) => fate === 'needed').length,
    }
    const last = rows.at(-1)
    if (rows.length < SCANNED_AT_ONCE || (isOrdered && last!.createdAt.getTime() >= latest)) return
    after = last!.raw
  }
}

/** What a pruning would do. */
async function* rehearse(
  database: PruneDatabase,
  tables: readonly PruneTable[],
  all: readonly QueuedTable[],
): AsyncGenerator<PruneStep, void, void> {
  const gone = new Set<string>()
  const isGone = ({ table, id }: { table: string; id?: string }) => id !== undefined && gone.has(`${table} ${id}`)
  for (const table of tables) {
    const { name } = table.queued.table
    const references = await database.references(table.queued, all)
    for await (const { candidates, kept } of look(database, table, references, true, isGone)) {
      for (const { id } of candidates) gone.add(`${name} ${id}`)
      // The attempts are not known; those who ask find the logs by the id.
      const files = candidates.map(({ id }) => ({ id, attempts: [] }))
      const ended = candidates.map(({ status, settledAt, createdAt }) => ({
        status,
        settledAt: settledAt ?? createdAt,
      }))
      yield { table: name, files, groups: groupsOf(ended as EndedTask[]), kept }
    }
  }
}

/** One table of a pruning, up to its event. */
class Pass {
  readonly table: string
  readonly #before: PruneTable['before']
  readonly #options: PruneOptions
  readonly #hash = createHash('sha256')
  #next: { progress: PruneProgress | undefined; step: Omit<PruneStep, 'kept'> } | undefined
  progress: PruneProgress | undefined

  constructor(table: string, before: PruneTable['before'], options: PruneOptions) {
    this.table = table
    this.#before = before
    this.#options = options
  }

  batch(rows: readonly PruneRow[]): Batch {
    this.#next = { progress: this.progress, step: { table: this.table, files: [], groups: [] } }
    return {
      rows,
      choose: (found, facts) =>
        found.filter((row, index) => fateOf(row, facts[index]!, this.#before, () => false) === 'goes'),
      account: (tasks) => this.#account(tasks),
    }
  }

  /** The transaction of the batch is committed. */
  commit(): Omit<PruneStep, 'kept'> {
    this.progress = this.#next!.progress
    return this.#next!.step
  }

  #account(tasks: readonly PrunedTask[]): PruneProgress {
    const lines = Buffer.from(tasks.map(({ line }) => `${line}\n`).join(''))
    this.#options.archive?.append(lines)
    this.#hash.update(lines)
    const done = this.progress?.pass
    const sum = (key: 'runs' | 'events') => tasks.reduce((count, task) => count + task[key], done?.[key] ?? 0)
    const files = tasks.map(({ id, attempts }) => ({ id, attempts }))
    const progress = {
      actor: this.#options.actor,
      pass: {
        table: this.table,
        before: this.#before,
        tasks: (done?.tasks ?? 0) + tasks.length,
        runs: sum('runs'),
        events: sum('events'),
        firstId: done?.firstId ?? tasks[0]!.id,
        lastId: tasks.at(-1)!.id,
        sha256: this.#hash.copy().digest('hex'),
      },
      files: { table: this.table, tasks: files },
    }
    this.#next = { progress, step: { table: this.table, files, groups: groupsOf(tasks) } }
    return progress
  }
}

type EndedTask = Pick<PrunedTask, 'status' | 'settledAt'>

function groupsOf(tasks: readonly EndedTask[]): PruneStep['groups'] {
  return [...Map.groupBy(tasks, ({ status }) => status)].map(([status, group]) => {
    const times = group.map(({ settledAt }) => settledAt.getTime())
    return {
      status,
      tasks: group.length,
      oldest: new Date(times.reduce((a, b) => Math.min(a, b))),
      newest: new Date(times.reduce((a, b) => Math.max(a, b))),
    }
  })
}
