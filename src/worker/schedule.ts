import { Cron } from 'croner'
import type { ScheduleConfig } from '../config/config.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import {
  BrokenProcessorError,
  type InputProblem,
  InvalidConfigurationError,
  nearest,
  type Problem,
  toProblem,
} from '../errors.ts'
import { inputSchema } from '../processor/define-processor.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { QueuedTable } from '../queue/queue.ts'
import { checkTask } from '../task-table/check-task.ts'

/** Workers may be a little late, and a machine may be busy; what is later than this was missed. */
const MISSED_AFTER_MS = 60_000

/** Enqueues a task at the times of a cron expression. */
export interface Schedule {
  readonly name: string
  readonly cron: Cron
  /** What happens to ticks while no worker was running. */
  readonly missed: 'run_once' | 'skip'
  /** Changes exactly when the times of the schedule change. */
  readonly definition: string
  readonly queued: QueuedTable
  readonly row: Readonly<Record<string, unknown>>
}

/** @throws Error when the expression or the time zone is invalid */
export function parseCron(pattern: string, timeZone: string | undefined): Cron {
  const cron = new Cron(pattern, { paused: true, ...(timeZone === undefined ? {} : { timezone: timeZone }) })
  // croner notices an unknown time zone only when asked for a time.
  cron.nextRun()
  return cron
}

export function nextTick({ cron }: Pick<Schedule, 'cron'>, after: Date): Date | undefined {
  return cron.nextRun(after) ?? undefined
}

/** A tick to handle now. Of several missed ticks only the last one counts. */
export interface DueTick {
  readonly at: Date
  /** Whether its task is enqueued; a skipped tick is recorded too, so that it stays skipped. */
  readonly isRun: boolean
}

/** @param since the last tick that was handled, or the instant from which ticks count */
export function dueTick(
  { cron, missed }: Pick<Schedule, 'cron' | 'missed'>,
  since: Date,
  now: Date,
): DueTick | undefined {
  // Includes the tick of this millisecond.
  const [at] = cron.previousRuns(1, new Date(now.getTime() + 1))
  if (!at || at <= since) return undefined
  return { at, isRun: missed === 'run_once' || now.getTime() - at.getTime() < MISSED_AFTER_MS }
}

export interface ScheduledProcessors {
  /** The configuration, for messages. */
  readonly file: string
  readonly names: readonly string[]
  readonly find: (name: string) => Promise<ReadyProcessor>
  /** Why the processor of a bundled plugin cannot be used. */
  readonly notEnabled: (name: string) => Problem | undefined
}

/**
 * Turns the `schedules` of a configuration into schedules.
 *
 * @throws InvalidConfigurationError with every problem at once
 */
export async function planSchedules(
  schedules: Readonly<Record<string, ScheduleConfig>>,
  { file, names, find, notEnabled }: ScheduledProcessors,
): Promise<Schedule[]> {
  const problems: InputProblem[] = []
  const planned: Schedule[] = []
  for (const [name, config] of Object.entries(schedules)) {
    const path = `schedules.${name}`
    const { cron: pattern, timeZone, enqueue, missed = 'run_once' } = config
    const disabled = notEnabled(enqueue)
    if (disabled) {
      problems.push({ ...disabled, where: `${path}.enqueue`, message: disabled.message })
      continue
    }
    if (!names.includes(enqueue)) {
      const meant = nearest(enqueue, names)
      const advice = meant === undefined ? '' : `, did you mean "${meant}"?`
      const suggestions = ['list them: ops processors']
      problems.push({ where: `${path}.enqueue`, message: `unknown processor "${enqueue}"${advice}`, suggestions })
      continue
    }
    const ready = await find(enqueue).catch((error: Error) => {
      if (!(error instanceof BrokenProcessorError)) throw error
      problems.push({ ...toProblem(error), where: `${path}.enqueue` })
    })
    if (!ready) continue
    const row = await checkRow(ready, config.with ?? {}, `${path}.with`, problems)
    try {
      const cron = parseCron(pattern, timeZone)
      planned.push({
        name,
        cron,
        missed,
        definition: JSON.stringify([pattern, timeZone ?? null]),
        queued: ready.queued,
        row,
      })
    } catch (error) {
      problems.push({ where: path, message: cronProblem(error as Error, pattern, timeZone) })
    }
  }
  if (problems.length > 0) throw new InvalidConfigurationError(file, problems)
  return planned
}

async function checkRow(
  { processor, settings }: ReadyProcessor,
  values: Readonly<Record<string, unknown>>,
  path: string,
  problems: InputProblem[],
): Promise<Record<string, unknown>> {
  const input = inputSchema(processor, settings)
  const wrong = checkTask(processor.table, values)
  problems.push(
    ...wrong.map(({ where, message }) => ({ where: where === undefined ? path : `${path}.${where}`, message })),
  )
  if (!input || wrong.length > 0) return { ...values }
  const checked = await checkAgainst(input, values, path)
  problems.push(...checked.problems)
  return { ...values, ...(checked.value as object | undefined) }
}

function cronProblem({ message }: Error, pattern: string, timeZone: string | undefined): string {
  if (/Invalid time ?zone/i.test(message)) return `unknown time zone "${timeZone}"; use a name such as "Europe/Berlin"`
  return `invalid cron expression "${pattern}": ${message.replace(/^CronPattern: /, '')}`
}
