import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class Tasks extends OpsCommand {
  static override summary = 'List the tasks, the newest first.'

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --status failed --table builds',
    '<%= config.bin %> <%= command.id %> show build 42',
  ]

  static override flags = {
    table: Flags.string({ summary: 'only those of this processor, or of its table', helpValue: '<name>' }),
    status: Flags.string({
      summary: 'only those that are pending, ongoing, succeeded, failed or canceled',
      helpValue: '<status,…>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    limit: Flags.integer({ summary: 'at most so many', default: 50, min: 1 }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Tasks)
    const [{ readStatuses }, { listTasks }, { taskFacts }, { tasksTable }, { formatProblem }] = await Promise.all([
      import('../../command-line/read-statuses.ts'),
      import('../../tasks/list-tasks.ts'),
      import('../../tasks/find-task.ts'),
      import('../../output/tasks-table.ts'),
      import('../../output/format-problem.ts'),
    ])
    const { table, limit } = flags
    const statuses = readStatuses(flags.status ?? [])
    const project = await this.openProject(flags.config)
    const { tasks, isCut, problems } = await listTasks(project, { table, statuses, limit })
    for (const problem of problems) this.warn(formatProblem(problem))
    if (tasks.length > 0) this.log(tasksTable(tasks, new Date(), this.screen))
    else this.log(noTasks(table, statuses))
    // Beside the list, so that whoever counts its lines counts tasks.
    if (isCut) this.logToStderr(`There are more: these are the newest ${limit}; see --limit.`)
    return { tasks: tasks.map(taskFacts) }
  }
}

function noTasks(table: string | undefined, statuses: readonly string[]): string {
  const asked = statuses.length > 0 ? `${statuses.join(' or ')} ` : ''
  const where = table === undefined ? '' : ` of ${table}`
  return `There are no ${asked}tasks${where}.${asked === '' ? ' Add one: ops enqueue' : ''}`
}
