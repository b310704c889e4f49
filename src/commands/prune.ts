import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

/** How often a line tells how far it is, where no list can be redrawn. */
const SAY_EVERY_MS = 5000

export default class Prune extends OpsCommand {
  static override summary = 'Delete settled tasks and their history.'

  static override description =
    `Deletes what the "retention" of the configuration no longer keeps, as workers do by themselves while they have nothing
else to do; with --before, whatever was settled before that. Runs, audit entries, logs and artifacts of a task go with it.
A task that is unsettled, or that others refer to, stays. Each pruning leaves an entry in the audit.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --before 90d --status succeeded',
    '<%= config.bin %> <%= command.id %> --before 2026-01-01 --archive tasks-2025.ndjson.gz',
  ]

  static override flags = {
    'dry-run': Flags.boolean({ summary: 'delete nothing, and show what would go' }),
    before: Flags.string({
      summary: 'delete tasks settled before this, in place of the retention',
      helpValue: '<30d|date>',
    }),
    table: Flags.string({
      summary: 'only tasks of this processor or table; it may be an existing table of the application',
      helpValue: '<name>',
    }),
    status: Flags.string({
      summary: 'only tasks with these statuses: succeeded, failed, canceled',
      helpValue: '<status,…>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    archive: Flags.string({
      summary: 'write the tasks and their history to this new file before they are deleted',
      helpValue: '<file.ndjson.gz>',
    }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Prune)
    const [{ parseBefore, parseSettledStatuses }, { pruneTasks }, { formatProgress, formatPruning }] =
      await Promise.all([
        import('../command-line/parse-task-filter.ts'),
        import('../tasks/prune-tasks.ts'),
        import('../output/prune-tables.ts'),
      ])
    const before = flags.before === undefined ? undefined : parseBefore(flags.before, new Date())
    const statuses = flags.status === undefined ? undefined : parseSettledStatuses(flags.status)
    const isDryRun = flags['dry-run'] ?? false
    const project = await this.openProject(flags.config)
    const isTerminal = process.stdout.isTTY && process.stdout.columns > 0 && !this.jsonEnabled() && !isDryRun
    const { PruneList } = isTerminal ? await import('../output/prune-list.ts') : { PruneList: undefined }
    let list: InstanceType<NonNullable<typeof PruneList>> | undefined
    let saidAt = performance.now()
    try {
      const summary = await pruneTasks(project, {
        ...{ before, statuses, isDryRun, table: flags.table, archive: flags.archive },
        onPlan: (tables) => {
          if (PruneList) list = new PruneList(tables)
        },
        onProgress: (done, table) => {
          list?.progress(done, table)
          if (isTerminal || performance.now() - saidAt < SAY_EVERY_MS) return
          saidAt = performance.now()
          if (!this.jsonEnabled()) this.logToStderr(formatProgress(done, table))
        },
      })
      await list?.finish()
      this.log(formatPruning(summary, new Date(), this.screen))
      if (isDryRun) this.log('This was a dry run: nothing was deleted.')
      if (!summary.isComplete) {
        this.log('Stopped before the end. To go on, run it again.')
        process.exitCode = 1
      }
      return { isDryRun, ...summary }
    } finally {
      await list?.finish()
    }
  }
}
