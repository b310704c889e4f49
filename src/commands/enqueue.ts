import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import { parseDuration } from '../config/duration.ts'
import { exitStatus, OpsError } from '../errors.ts'
import { formatTime } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import type { EnqueuedTask, QueuedTable, TaskId } from '../queue/queue.ts'

export default class Enqueue extends OpsCommand {
  static override summary = 'Add a task.'

  static override description =
    'The columns of the task table are flags too. See them: <%= config.bin %> enqueue <processor> --help'

  static override examples = [
    '<%= config.bin %> <%= command.id %> build --repository https://example.com/shop.git --ref main',
    '<%= config.bin %> <%= command.id %> build --repository . --wait',
    '<%= config.bin %> <%= command.id %> build --from builds.ndjson',
    '<%= config.bin %> <%= command.id %> deploy --environment staging --build-id "$(<%= config.bin %> <%= command.id %> build --repository .)"',
  ]

  /** Which columns there are is known only with the processor. */
  static override strict = false

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
  }

  static override flags = {
    in: Flags.string({
      summary: 'do not start it before this time has passed',
      helpValue: '<duration>',
      exclusive: ['at'],
    }),
    at: Flags.string({ summary: 'do not start it before this time', helpValue: '<time>' }),
    wait: Flags.boolean({ summary: 'follow the log until the task has ended; exit 1 unless it succeeded' }),
    timeout: Flags.string({
      summary: 'with --wait: how long at most; exit 1 after that',
      helpValue: '<duration>',
    }),
    from: Flags.string({
      summary: 'add a task for each line of a JSON file, or of standard input (-)',
      helpValue: '<file>',
    }),
  }

  async run(): Promise<unknown> {
    const [
      { columnFlags, oclifFlags },
      { findProcessor, splitArguments },
      { parseNewTasks, resolveTaskNames },
      { addTasks },
      { databaseCreated },
    ] = await Promise.all([
      import('../command-line/column-flags.ts'),
      import('../command-line/split-arguments.ts'),
      import('../command-line/parse-new-tasks.ts'),
      import('../tasks/add-tasks.ts'),
      import('../project/migrate-project.ts'),
    ])
    const typed = this.argv
    const own = { ...Enqueue.baseFlags, ...Enqueue.flags }
    const name = findProcessor(typed, own)
    // Without a processor, the parser reports that the argument is missing.
    const { flags: first } = await this.parse(Enqueue, name === undefined ? typed : splitArguments(typed, own).known)
    const project = await this.openProject(first.config)
    const { queued, processor, settings } = await project.processor(name!)
    // A table may have a limit of its own.
    const hasTimeout = Object.values(queued.table.columns).some((column) => column.name === 'timeout')
    const { timeout: _, ...others } = own
    const general = hasTimeout ? others : own
    const columns = columnFlags(queued.table, [...Object.keys(general), 'help'])
    const all = { ...general, ...oclifFlags(columns, { forHelp: false }) }
    const { known, rest } = splitArguments(typed, all)
    const { flags, argv } = await this.parse({ args: Enqueue.args, flags: all, strict: false }, known)
    const timeout = hasTimeout ? undefined : waitTimeout(flags as { timeout?: string; wait?: boolean })
    const parsed = await parseNewTasks({
      processor,
      settings,
      columns,
      flags: await resolveTaskNames(project, columns, flags),
      rest: [...rest, ...(argv as string[]).slice(1)],
      now: new Date(),
    })
    const tasks = await addTasks(project, queued, parsed.rows, {
      runAt: parsed.runAt,
      onDatabaseCreated: (database) => this.printProblem(databaseCreated(database)),
    })
    this.logLine(describe(queued.processor, tasks))
    const ids = tasks.map(({ id }) => id)
    const existing = tasks.flatMap(({ id, isNew }) => (isNew ? [] : [id]))
    const madeDue = tasks.flatMap(({ id, scheduledFor }) => (scheduledFor ? [{ id, scheduledFor }] : []))
    const added = {
      ...{ processor: queued.processor, table: queued.table.name, ids, existing, count: ids.length },
      ...(madeDue.length > 0 && { madeDue }),
    }
    return flags.wait ? { ...added, tasks: await this.#wait(project, queued, ids, timeout) } : added
  }

  async #wait(project: Project, queued: QueuedTable, ids: readonly TaskId[], timeout?: number): Promise<unknown[]> {
    const { printTasks } = await import('../output/task-printer.ts')
    const out = this.jsonEnabled() ? process.stderr : process.stdout
    const added = ids.map((id) => ({ id }))
    const tasks = await printTasks(project, queued, added, out, timeout)
    if (tasks.some(({ status }) => status !== 'succeeded')) process.exitCode = 1
    return tasks
  }
}

/** @throws OpsError INVALID_DURATION, or TIMEOUT_WITHOUT_WAIT */
function waitTimeout({ timeout, wait }: { timeout?: string; wait?: boolean }): number | undefined {
  if (timeout === undefined) return undefined
  if (wait) return parseDuration(timeout, '--timeout')
  throw new OpsError('TIMEOUT_WITHOUT_WAIT', '--timeout says how long --wait waits, and there is no --wait.', {
    exit: exitStatus.usage,
    suggestions: ['add --wait, or leave --timeout out'],
  })
}

/** Begins with `build 42`, which scripts read. */
function describe(processor: string, tasks: readonly EnqueuedTask[]): string {
  const [first] = tasks
  if (!first) return 'nothing to add'
  const old = tasks.filter(({ isNew }) => !isNew).length
  if (tasks.length === 1) {
    const { scheduledFor } = first
    if (scheduledFor) return `${processor} ${first.id} (was scheduled for ${formatTime(scheduledFor)}, now due)`
    return `${processor} ${first.id}${old > 0 ? ' (already exists)' : ''}`
  }
  const due = tasks.filter(({ scheduledFor }) => scheduledFor).length
  return [
    `${processor} ${first.id} to ${tasks.at(-1)!.id}: ${tasks.length} tasks`,
    ...(old > 0 ? [`${old} of them already existed`] : []),
    ...(due > 0 ? [`${due} of those were scheduled for later and are now due`] : []),
  ].join(', ')
}
