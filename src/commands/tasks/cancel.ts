import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksCancel extends OpsCommand {
  static override summary = 'Cancel pending tasks and stop ongoing ones.'

  static override description =
    `The worker of an ongoing task ends its programs and marks it as canceled. The command waits for that, and exits 1
if the task ends in another way.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> build 42',
    '<%= config.bin %> <%= command.id %> build 42 43 44 --no-wait',
  ]

  static override args = {
    processor: Args.string({ required: true, description: 'a processor, such as build' }),
    id: Args.string({ required: true, multiple: true, description: 'ids of tasks' }),
  }

  static override flags = {
    wait: Flags.boolean({ summary: 'wait until ongoing tasks have stopped', default: true, allowNo: true }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksCancel)
    const [{ cancelTasks }, { printTaskChanges }] = await Promise.all([
      import('../../tasks/cancel-tasks.ts'),
      import('../../output/print-task-changes.ts'),
    ])
    const project = await this.openProject(flags.config)
    const changes = await cancelTasks(project, args.processor, args.id, {
      wait: flags.wait,
      onStopping: (task) => this.logLine(`${task} is stopping`),
    })
    return printTaskChanges(changes, {
      onChanged: ({ task, status }) => {
        if (status === 'canceled') this.logLine(`${task} is canceled`)
      },
      onRefused: (problem) => this.printProblem(problem),
    })
  }
}
