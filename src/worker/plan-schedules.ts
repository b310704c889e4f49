import type { ScheduleConfig } from '../config/config.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import { BrokenProcessorError, InvalidConfigurationError, nearest } from '../errors.ts'
import { inputSchema } from '../processor/define-processor.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { checkTask } from '../task-table/check-task.ts'
import { parseCron, type Schedule } from './schedule.ts'

/**
 * Makes the `schedules` of a configuration into schedules, with all that is wrong in them told at once.
 *
 * @param file the configuration's, for the message
 * @param find the processor of a name; rejects when there is none, or it does not load
 * @throws InvalidConfigurationError
 */
export async function planSchedules(
  schedules: Readonly<Record<string, ScheduleConfig>>,
  { file, names, find }: { file: string; names: readonly string[]; find: (name: string) => Promise<ReadyProcessor> },
): Promise<Schedule[]> {
  const problems: string[] = []
  const planned: Schedule[] = []
  for (const [name, config] of Object.entries(schedules)) {
    const path = `schedules.${name}`
    const { cron: pattern, timeZone, enqueue, missed = 'run_once' } = config
    if (!names.includes(enqueue)) {
      const meant = nearest(enqueue, names)
      problems.push(
        `${path}.enqueue: no processor is named "${enqueue}"${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
      )
      continue
    }
    const ready = await find(enqueue).catch((error: Error) => {
      if (!(error instanceof BrokenProcessorError)) throw error
      problems.push(`${path}.enqueue: ${error.message} Try: ${error.suggestions.join('; ')}`)
    })
    if (!ready) continue
    const row = await checkedRow(ready, config.with ?? {}, `${path}.with`, problems)
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
      problems.push(`${path}: ${plainMessage(error as Error, pattern, timeZone)}`)
    }
  }
  if (problems.length > 0) throw new InvalidConfigurationError(file, problems)
  return planned
}

async function checkedRow(
  { processor, settings }: ReadyProcessor,
  values: Readonly<Record<string, unknown>>,
  path: string,
  problems: string[],
): Promise<Record<string, unknown>> {
  const input = inputSchema(processor, settings)
  const wrong = checkTask(processor.table, values)
  problems.push(...wrong.map((problem) => `${path}: ${problem}`))
  if (!input || wrong.length > 0) return { ...values }
  const checked = await checkAgainst(input, values, path)
  problems.push(...checked.problems)
  return { ...values, ...(checked.value as object | undefined) }
}

function plainMessage({ message }: Error, pattern: string, timeZone: string | undefined): string {
  if (/Invalid time ?zone/i.test(message)) return `"${timeZone}" is no time zone; use a name such as "Europe/Berlin"`
  return `"${pattern}" is no cron expression: ${message.replace(/^CronPattern: /, '')}`
}
