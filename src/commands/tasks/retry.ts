import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'
import { formatTime } from '../../format.ts'
import type { RetriedTask } from '../../tasks/retry-tasks.ts'

export default class TasksRetry extends OpsCommand {
  static override summary = 'Retry failed or canceled tasks.'

  static override description =
    'A task that is scheduled for later is made due. So is the one that is the same as a failed task, where no two may wait at once.'

  static override examples = [
    '<%= config.bin %> <%= command.id %> build 42',
    '<%= config.bin %> <%= command.id %> build 42 43 44 --wait',
  ]

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
    id: Args.string({ required: true, multiple: true, description: 'ids of tasks' }),
  }

  static override flags = {
    wait: Flags.boolean({ summary: 'follow the logs until the tasks have ended; exit 1 unless all succeeded' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksRetry)
    const [{ retryTasks }, { printTaskChanges }] = await Promise.all([
      import('../../tasks/retry-tasks.ts'),
      import('../../output/print-task-changes.ts'),
    ])
    const project = await this.openProject(flags.config)
    const { queued, tasks } = await retryTasks(project, args.processor, args.id)
    const result = printTaskChanges(tasks, {
      onChanged: (change) => this.logLine(describe(change)),
      onRefused: (problem) => this.printProblem(problem),
    })
    if (!flags.wait) return result
    const { printTasks } = await import('../../output/task-printer.ts')
    const retried = tasks
      .filter(({ problem }) => !problem)
      .map(({ id, attempts, madeDue }) => ({ id: madeDue?.id ?? id, attempts }))
    const out = this.jsonEnabled() ? process.stderr : process.stdout
    const ended = await printTasks(project, queued, retried, out)
    if (ended.some(({ status }) => status !== 'succeeded')) process.exitCode = 1
    return { ...result, ended }
  }
}

function describe({ task, madeDue }: RetriedTask): string {
  if (!madeDue) return `${task} is pending again`
  const change = `was scheduled for ${formatTime(madeDue.scheduledFor)}, now due`
  return madeDue.task === task ? `${task} (${change})` : `${task} is the same as ${madeDue.task} (${change})`
}
