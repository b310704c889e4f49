import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksRetry extends OpsCommand {
  static override summary = 'Retry failed or canceled tasks.'

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
      onChanged: ({ task }) => this.log(`${task} is pending again`),
      onRefused: (problem) => this.printProblem(problem),
    })
    if (!flags.wait) return result
    const { printTasks } = await import('../../output/task-printer.ts')
    const retried = tasks.filter(({ problem }) => !problem)
    const out = this.jsonEnabled() ? process.stderr : process.stdout
    const ended = await printTasks(project, queued, retried, out)
    if (ended.some(({ status }) => status !== 'succeeded')) process.exitCode = 1
    return { ...result, ended }
  }
}
