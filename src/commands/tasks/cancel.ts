import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../../command-line/ops-command.ts'

export default class TasksCancel extends OpsCommand {
  static override summary = 'Cancel tasks that are pending, and stop those that are ongoing.'

  static override description =
    `An ongoing task is asked to stop: its worker ends its programs and settles it as canceled. The command waits for
that, and exits 1 when something else became of the task.`

  static override examples = [
    '<%= config.bin %> <%= command.id %> build 42',
    '<%= config.bin %> <%= command.id %> build 42 43 44 --no-wait',
  ]

  static override args = {
    processor: Args.string({ required: true, description: 'the processor, such as build' }),
    id: Args.string({ required: true, multiple: true, description: 'the ids of the tasks' }),
  }

  static override flags = {
    wait: Flags.boolean({ summary: 'wait until ongoing tasks have stopped', default: true, allowNo: true }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TasksCancel)
    const [{ cancelTasks }, { tellChanges }] = await Promise.all([
      import('../../tasks/cancel-tasks.ts'),
      import('../../output/tell-changes.ts'),
    ])
    const project = await this.openProject(flags.config)
    const changes = await cancelTasks(project, args.processor, args.id, {
      wait: flags.wait,
      onAsked: (task) => this.log(`${task} was asked to stop`),
    })
    return tellChanges(changes, {
      say: ({ task, status }) => {
        if (status === 'canceled') this.log(`${task} is canceled`)
      },
      complain: (text) => this.logToStderr(text),
    })
  }
}
