import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class Tasks extends OpsCommand {
  static override summary = 'List tasks, the newest first.'

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --status failed --table builds',
    '<%= config.bin %> <%= command.id %> show build 42',
  ]

  static override flags = {
    table: Flags.string({ summary: 'show only tasks of this processor or table', helpValue: '<name>' }),
    status: Flags.string({
      summary: 'show only tasks with these statuses: pending, ongoing, succeeded, failed, canceled',
      helpValue: '<status,…>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    limit: Flags.integer({ summary: 'show at most this many', helpValue: '<n>', default: 50, min: 1 }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Tasks)
    const [{ parseStatuses }, { listTasks }, { taskJson }, { tasksTable }] = await Promise.all([
      import('../../command-line/parse-task-filter.ts'),
      import('../../tasks/list-tasks.ts'),
      import('../../tasks/find-task.ts'),
      import('../../output/tasks-table.ts'),
    ])
    const { table, limit } = flags
    const statuses = parseStatuses(flags.status ?? [])
    const project = await this.openProject(flags.config)
    const { tasks, isCut, problems } = await listTasks(project, { table, statuses, limit })
    for (const problem of problems) this.warn(problem)
    if (tasks.length > 0) this.log(tasksTable(tasks, new Date(), this.screen))
    else this.log(noTasks(table, statuses))
    // On standard error, so that each line of the list is a task.
    if (isCut) this.logToStderr(`Showing the newest ${limit}. See more: --limit <n>`)
    return { tasks: tasks.map(taskJson) }
  }
}

function noTasks(table: string | undefined, statuses: readonly string[]): string {
  const wanted = statuses.length > 0 ? `${statuses.join(' or ')} ` : ''
  const where = table === undefined ? '' : ` of ${table}`
  return `No ${wanted}tasks${where}.${wanted === '' ? ' Add one: ops enqueue <processor>' : ''}`
}
